using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace VoiceCluster.Media.Sdp;

/// <summary>Reads a session description (RFC 8866). Bounded by <see cref="SdpLimits"/>; never throws on input.</summary>
public static class SdpParser
{
    /// <summary>
    /// Parses <paramref name="text"/>; lines end in CRLF or, as RFC 8866 §5 asks to accept, in LF alone.
    /// On failure <paramref name="error"/> names the line and what is wrong with it.
    /// </summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SessionDescription? description, out string error)
    {
        description = null;
        if (string.IsNullOrEmpty(text))
        {
            error = "the description is empty";
            return false;
        }

        if (text.Length > SdpLimits.MaxLength)
        {
            error = $"the description is longer than {SdpLimits.MaxLength} characters";
            return false;
        }

        var state = new State();
        var number = 0;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            number++;
            var line = text.AsSpan(range).TrimEnd('\r');
            if (line.IsEmpty)
            {
                continue;
            }

            if (!state.TryLine(line, out error))
            {
                error = $"line {number}: {error}";
                return false;
            }
        }

        return state.TryFinish(out description, out error);
    }

    private sealed class State
    {
        private readonly List<SdpAttribute> _attributes = [];
        private readonly List<MediaDescription> _media = [];
        private SdpOrigin? _origin;
        private string _name = "-";
        private bool _hasVersion;
        private MediaDescription? _section;
        private string? _connection;

        public bool TryLine(ReadOnlySpan<char> line, out string error)
        {
            if (line.Length > SdpLimits.MaxLineLength)
            {
                error = $"longer than {SdpLimits.MaxLineLength} characters";
                return false;
            }

            if (line.Length < 2 || line[1] != '=' || !char.IsAsciiLetterLower(line[0]))
            {
                error = "not of the form <type>=<value>";
                return false;
            }

            if (line.IndexOfAnyInRange('\0', '\x08') >= 0)
            {
                error = "control characters are not allowed";
                return false;
            }

            var value = line[2..];
            if (!_hasVersion && line[0] != 'v')
            {
                error = "the first line must be v=0";
                return false;
            }

            error = "";
            return line[0] switch
            {
                'v' => TryVersion(value, out error),
                'o' => TryOrigin(value, out error),
                's' => TryName(value),
                'c' => TryConnection(value),
                'm' => TryMedia(value, out error),
                'a' => TryAttribute(value, out error),

                // i, u, e, p, b, t, r, z and k say nothing that is used; RFC 8866 §5: unknown types are ignored as well.
                _ => true,
            };
        }

        public bool TryFinish([NotNullWhen(true)] out SessionDescription? description, out string error)
        {
            description = null;
            if (!_hasVersion || _origin is null)
            {
                error = _hasVersion ? "there is no o= line" : "there is no v= line";
                return false;
            }

            CloseSection();
            var mids = new HashSet<string>(StringComparer.Ordinal);
            foreach (var section in _media)
            {
                if (section.Mid is { } mid && !mids.Add(mid))
                {
                    error = $"the mid {mid} is used twice";
                    return false;
                }
            }

            description = new SessionDescription { Origin = _origin, SessionName = _name, Attributes = _attributes, Media = _media };
            error = "";
            return true;
        }

        private bool TryVersion(ReadOnlySpan<char> value, out string error)
        {
            error = "only v=0 is known, and only once";
            return !_hasVersion && (_hasVersion = value is "0");
        }

        private bool TryOrigin(ReadOnlySpan<char> value, out string error)
        {
            error = "o= must be <username> <sess-id> <sess-version> IN <addrtype> <address>";
            Span<Range> parts = stackalloc Range[7];
            if (_origin is not null || value.Split(parts, ' ') != 6 || value[parts[3]] is not "IN"
                || !ulong.TryParse(value[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            {
                return false;
            }

            _origin = new SdpOrigin(
                value[parts[0]].ToString(), value[parts[1]].ToString(), version, value[parts[4]].ToString(), value[parts[5]].ToString());
            return true;
        }

        private bool TryName(ReadOnlySpan<char> value)
        {
            _name = value.ToString();
            return true;
        }

        private bool TryConnection(ReadOnlySpan<char> value)
        {
            if (_section is not null)
            {
                _connection = value.ToString();
            }

            return true;
        }

        private bool TryMedia(ReadOnlySpan<char> value, out string error)
        {
            CloseSection();
            if (_media.Count == SdpLimits.MaxMediaSections)
            {
                error = $"more than {SdpLimits.MaxMediaSections} media sections";
                return false;
            }

            error = "m= must be <media> <port> <proto> <fmt> ...";
            Span<Range> parts = stackalloc Range[4];
            if (value.Split(parts, ' ') < 4)
            {
                return false;
            }

            // A port may carry a count, as in 49170/2; it never does for RTP over one transport.
            if (!ushort.TryParse(value[parts[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            {
                return false;
            }

            var formats = new List<string>();
            foreach (var range in value[parts[3]].Split(' '))
            {
                var format = value[parts[3]][range];
                if (format.IsEmpty)
                {
                    continue;
                }

                if (formats.Count == SdpLimits.MaxFormats)
                {
                    error = $"more than {SdpLimits.MaxFormats} formats";
                    return false;
                }

                formats.Add(format.ToString());
            }

            _section = new MediaDescription
            {
                Kind = value[parts[0]].ToString(),
                Port = port,
                Protocol = value[parts[2]].ToString(),
                Formats = formats,
            };
            return formats.Count > 0;
        }

        private bool TryAttribute(ReadOnlySpan<char> value, out string error)
        {
            var attributes = _section?.Attributes ?? _attributes;
            if (attributes.Count == SdpLimits.MaxAttributes)
            {
                error = $"more than {SdpLimits.MaxAttributes} attributes in one section";
                return false;
            }

            var colon = value.IndexOf(':');
            var name = colon < 0 ? value : value[..colon];
            error = "an attribute needs a name";
            if (name.IsEmpty)
            {
                return false;
            }

            attributes.Add(new SdpAttribute(name.ToString(), colon < 0 ? null : value[(colon + 1)..].ToString()));
            return true;
        }

        private void CloseSection()
        {
            if (_section is not { } section)
            {
                return;
            }

            _media.Add(_connection is null ? section : new MediaDescription
            {
                Kind = section.Kind,
                Port = section.Port,
                Protocol = section.Protocol,
                Formats = section.Formats,
                Attributes = section.Attributes,
                Connection = _connection,
            });
            _section = null;
            _connection = null;
        }
    }
}
