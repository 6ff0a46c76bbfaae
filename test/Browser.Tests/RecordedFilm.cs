using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace VoiceCluster.Browser.Tests;

/// <summary>What ffmpeg and its kin read of a recorded file.</summary>
internal static class RecordedFilm
{
    /// <summary>Fails on any warning; answers the duration in seconds.</summary>
    public static async Task<double> AssertCleanAsync(string path)
    {
        var (_, probe, errors) = await RunAsync("ffprobe", "-v", "warning", "-show_entries", "format=duration", "-of", "csv=p=0", path);
        Assert.True(errors.Length == 0, $"ffprobe {path}: {errors}");

        // On the file's own clock: a camera's frames come unevenly, and two may fall into one tick of the frame rate that ffmpeg guesses.
        (_, _, errors) = await RunAsync("ffmpeg", "-v", "warning", "-i", path, "-enc_time_base", "-1", "-f", "null", "-");
        Assert.True(errors.Length == 0, $"ffmpeg {path}: {errors}");
        if (path.EndsWith(".ogg", StringComparison.Ordinal))
        {
            var (_, info, more) = await RunAsync("opusinfo", path);
            Assert.DoesNotContain("WARNING", Encoding.UTF8.GetString(info) + more, StringComparison.OrdinalIgnoreCase);
        }

        return double.Parse(Encoding.ASCII.GetString(probe).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>Width and height of each frame that a player shows.</summary>
    public static async Task<string[]> SizesAsync(string path)
    {
        var (_, sizes, _) = await RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height", "-of", "csv=p=0:s=x", path);
        return [.. Encoding.ASCII.GetString(sizes).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(s => s.Trim().TrimEnd('x'))];
    }

    /// <summary>Seconds at which the picture turns white.</summary>
    public static async Task<double[]> FlashesAsync(string path)
    {
        var (_, times, _) = await RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0", path);
        var stamps = Encoding.ASCII.GetString(times).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(t => double.Parse(t.Trim().TrimEnd(','), CultureInfo.InvariantCulture)).ToArray();
        var (_, grey, _) = await RunAsync("ffmpeg", "-v", "error", "-i", path, "-an", "-vf", "scale=1:1,format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-");
        Assert.Equal(stamps.Length, grey.Length);
        return [.. Enumerable.Range(1, Math.Max(0, grey.Length - 1)).Where(i => grey[i] > 128 && grey[i - 1] <= 128).Select(i => stamps[i])];
    }

    /// <summary>Seconds at which a beep begins after silence.</summary>
    public static async Task<double[]> BeepsAsync(string path)
    {
        var (_, bytes, _) = await RunAsync("ffmpeg", "-v", "error", "-i", path, "-vn", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-");
        var beeps = new List<double>();
        var last = -48_000;
        for (var i = 0; i < bytes.Length / 4; i++)
        {
            if (Math.Abs(BitConverter.ToSingle(bytes, i * 4)) > 0.1)
            {
                if (i - last > 14_400)
                {
                    beeps.Add(i / 48_000d);
                }

                last = i;
            }
        }

        return [.. beeps];
    }

    private static async Task<(int Code, byte[] Output, string Errors)> RunAsync(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var output = new MemoryStream();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        return (process.ExitCode, output.ToArray(), await errors);
    }
}
