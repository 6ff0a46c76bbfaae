using System.Text;

namespace VoiceCluster.LoadTest.Figures;

/// <summary>The progress of a run on the standard error: one line that is written over on a terminal, lines one after the other elsewhere.</summary>
internal sealed class ProgressLine : TextWriter
{
    private readonly Lock _gate = new();
    private int _written;

    private ProgressLine()
    {
    }

    /// <inheritdoc/>
    public override Encoding Encoding => Encoding.UTF8;

    /// <summary>What suits the standard error.</summary>
    public static TextWriter Create() => Console.IsErrorRedirected ? Synchronized(Console.Error) : new ProgressLine();

    /// <inheritdoc/>
    public override void WriteLine(string? value)
    {
        lock (_gate)
        {
            value ??= "";
            Console.Error.Write($"\r{value.PadRight(_written)}");
            _written = value.Length;
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        lock (_gate)
        {
            if (_written > 0)
            {
                Console.Error.WriteLine();
                _written = 0;
            }
        }
    }
}
