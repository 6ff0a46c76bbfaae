using System.Globalization;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Media.Recording;
using VoiceCluster.MediaNode.Control;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>
/// The node's directory of recordings: a directory a recording, in it the files of all its stretches on this node, each with
/// the stretch's tag before its name, and a manifest a stretch.
/// </summary>
public sealed class RecordingShelf(IOptions<RecordingOptions> options, IOptions<MediaNodeOptions> node, IConfiguration configuration, MediaNodeIdentity identity)
{
    private const string ManifestSuffix = ".json";

    private string? _root;

    private readonly string? _base = options.Value.Path switch
    {
        null => Path.GetFullPath(Path.Combine(configuration["Data:Path"] is { Length: > 0 } data ? data : "data", "recordings")),
        "" => null,
        var path => Path.GetFullPath(path),
    };

    /// <summary>
    /// The node's own directory; null when this node does not record. Nodes that share a disk each have one, by their names.
    /// Known once the node has its name.
    /// </summary>
    public string? Root => _root ??= _base is null ? null : Path.Combine(_base, string.Concat(
        identity.Id.Name.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '_')));

    /// <summary>The tag of a new stretch: when it began, and four letters against chance.</summary>
    internal static string NewTag(DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:yyyyMMdd'T'HHmmss}-{Guid.NewGuid().ToString("N")[..4]}");

    /// <summary>The recordings that this node has anything of.</summary>
    public Guid[] List() => Root is null || !Directory.Exists(Root)
        ? []
        : [.. Directory.EnumerateDirectories(Root).Select(static d => Guid.TryParseExact(Path.GetFileName(d), "N", out var id) ? id : Guid.Empty).Where(static id => id != Guid.Empty)];

    /// <summary>A file's path; null when the name is no plain one or the file is not there.</summary>
    public string? Find(Guid recording, string name)
    {
        if (Root is null || name.Length is 0 or > 128 || name[0] == '.' || name.EndsWith(ManifestSuffix, StringComparison.Ordinal)
            || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            return null;
        }

        var path = Path.Combine(DirectoryOf(recording), name);
        return File.Exists(path) ? path : null;
    }

    /// <summary>Deletes all that this node has of a recording.</summary>
    public void Delete(Guid recording)
    {
        if (Root is not null && Directory.Exists(DirectoryOf(recording)))
        {
            Directory.Delete(DirectoryOf(recording), recursive: true);
        }
    }

    /// <summary>All files that this node has of a recording, with their present sizes, as the grain is told of them.</summary>
    internal RecordingFile[] Describe(Guid recording)
    {
        if (Root is null || !Directory.Exists(DirectoryOf(recording)))
        {
            return [];
        }

        var files = new List<RecordingFile>();
        foreach (var path in Directory.EnumerateFiles(DirectoryOf(recording), "*" + ManifestSuffix).Order(StringComparer.Ordinal))
        {
            files.AddRange(RecordingManifest.TryRead(path)?.Files.Select(f => Describe(recording, f)) ?? []);
        }

        return [.. files];
    }

    /// <summary>Bytes that this node has of a recording.</summary>
    internal long SizeOf(Guid recording) => Describe(recording).Sum(static f => f.Size);

    /// <summary>Where a stretch's files go. Makes the directory.</summary>
    internal StretchFiles Open(Guid recording, string tag)
    {
        Directory.CreateDirectory(DirectoryOf(recording));
        return new StretchFiles(DirectoryOf(recording), tag);
    }

    /// <summary>Manifests of stretches that were not closed: the process ended within them.</summary>
    internal IEnumerable<(Guid Recording, string ManifestPath)> Unclosed()
    {
        foreach (var recording in List())
        {
            foreach (var path in Directory.EnumerateFiles(DirectoryOf(recording), "*" + ManifestSuffix).ToArray())
            {
                if (RecordingManifest.TryRead(path) is { IsClosed: false })
                {
                    yield return (recording, path);
                }
            }
        }
    }

    private string DirectoryOf(Guid recording) => Path.Combine(Root!, recording.ToString("N"));

    private RecordingFile Describe(Guid recording, ManifestFile file)
    {
        var info = new FileInfo(Path.Combine(DirectoryOf(recording), file.Name));
        var url = $"{node.Value.ControlUrlOrDefault().TrimEnd('/')}/recordings/{recording:N}/{file.Name}";
        var started = DateTimeOffset.UnixEpoch.AddMicroseconds(file.StartedAt);
        return new RecordingFile(
            file.Name,
            (RecordingFileKind)file.Kind,
            file.ParticipantId,
            null,
            null,
            file.ContentType,
            info.Exists ? info.Length : 0,
            file.Duration is { } duration ? TimeSpan.FromMicroseconds(duration) : TimeSpan.Zero,
            started,
            file.Duration is not null,
            identity.Id.Name,
            url);
    }

    /// <summary>The files of one stretch.</summary>
    internal sealed class StretchFiles(string directory, string tag) : IRecordingFiles
    {
        private readonly List<DiskFile> _open = [];

        /// <summary>A name as it stands on the disk.</summary>
        public string NameOf(string name) => $"{tag}-{name}";

        /// <inheritdoc/>
        public IRecordingFile Create(string name)
        {
            var file = new DiskFile(Path.Combine(directory, NameOf(name)));
            _open.Add(file);
            return file;
        }

        /// <summary>Notes the files as they are now.</summary>
        public void Note(RecordingManifest manifest) => manifest.Write(Path.Combine(directory, tag + ManifestSuffix));

        /// <summary>Lets go of all files; those that were closed already mind not.</summary>
        public void CloseAll() => _open.ForEach(static f => f.Close());
    }
}
