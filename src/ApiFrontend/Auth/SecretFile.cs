using System.Security.Cryptography;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>The secret that a standalone process makes for itself and keeps, readable by its user alone.</summary>
public static class SecretFile
{
    /// <summary>The file's name in the data folder.</summary>
    public const string Name = "jwt-secret";

    /// <summary>48 random bytes, 64 characters of base64: more than HS256 asks for.</summary>
    private const int RandomBytes = 48;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads the secret of a data folder, or makes it. Of several processes that make it at once one wins, and all use its.</summary>
    public static string ReadOrCreate(string dataPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataPath);
        Directory.CreateDirectory(dataPath);
        var path = Path.Combine(dataPath, Name);
        CreateOnce(path);

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != UnixFileMode.None)
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }

        var secret = File.ReadAllText(path).Trim();
        return secret.Length >= AuthOptions.LeastSecretBytes
            ? secret
            : throw new InvalidDataException($"{path} holds {secret.Length} characters; it must hold at least {AuthOptions.LeastSecretBytes}. "
                + "Delete it to get a new secret; all tokens end with the old one.");
    }

    /// <summary>
    /// Renaming replaces what is there on Unix, so that of two processes the later would win over a secret in use: a mutex
    /// of the machine lets one after the other look.
    /// </summary>
    private static void CreateOnce(string path)
    {
        var name = Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Path.GetFullPath(path))));
        using var mutex = new Mutex(initiallyOwned: false, $"voicecluster-{name}");
        WaitFor(mutex);
        try
        {
            if (!File.Exists(path))
            {
                Create(path);
            }
        }
        finally
        {
            mutex.ReleaseMutex();
        }
    }

    private static void WaitFor(Mutex mutex)
    {
        try
        {
            mutex.WaitOne();
        }
        catch (AbandonedMutexException)
        {
            // Its owner died while it made the file. The mutex is ours all the same, and a draft that it left has another name.
            return;
        }
    }

    /// <summary>Written whole under another name and flushed, then named: a crash leaves no half secret.</summary>
    private static void Create(string path)
    {
        var draft = $"{path}.{Guid.NewGuid():N}";
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (FileStream stream = new(draft, options))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(RandomBytes))));
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, path);
    }
}
