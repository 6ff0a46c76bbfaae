using System.Diagnostics;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>Runs ffmpeg, ffprobe and opusinfo.</summary>
internal static class MediaTool
{
    public static (int Code, byte[] Output, string Errors) Run(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return (process.ExitCode, output.ToArray(), errors.Result);
    }

    /// <summary>Both look into every packet and say nothing; answers ffprobe's duration in seconds.</summary>
    public static double AssertClean(string path)
    {
        var (code, output, errors) = Run("ffprobe", "-v", "warning", "-count_packets", "-show_entries", "format=duration", "-of", "csv=p=0", path);
        Assert.True(code == 0 && errors.Length == 0, $"ffprobe {path}: {errors}");
        (code, _, errors) = Run("ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-");
        Assert.True(code == 0 && errors.Length == 0, $"ffmpeg {path}: {errors}");
        if (path.EndsWith(".ogg", StringComparison.Ordinal))
        {
            (code, var info, errors) = Run("opusinfo", path);
            var text = System.Text.Encoding.UTF8.GetString(info) + errors;
            Assert.True(code == 0 && !text.Contains("WARNING", StringComparison.OrdinalIgnoreCase), text);
        }

        return double.TryParse(System.Text.Encoding.ASCII.GetString(output).Trim(), System.Globalization.CultureInfo.InvariantCulture, out var duration) ? duration : -1;
    }
}
