using System.Globalization;
using System.Text;

namespace VoiceCluster.Media.Sdp;

/// <summary>Writes a session description with CRLF line ends (RFC 8866 §5).</summary>
public static class SdpWriter
{
    public static string Write(SessionDescription description)
    {
        var text = new StringBuilder(1024);
        var origin = description.Origin;
        Line(text, 'v', "0");
        Line(text, 'o', string.Create(
            CultureInfo.InvariantCulture,
            $"{origin.UserName} {origin.SessionId} {origin.SessionVersion} IN {origin.AddressType} {origin.Address}"));
        Line(text, 's', description.SessionName);
        Line(text, 't', "0 0");
        Attributes(text, description.Attributes);
        foreach (var media in description.Media)
        {
            Line(text, 'm', string.Create(
                CultureInfo.InvariantCulture, $"{media.Kind} {media.Port} {media.Protocol} {string.Join(' ', media.Formats)}"));
            if (media.Connection is not null)
            {
                Line(text, 'c', media.Connection);
            }

            Attributes(text, media.Attributes);
        }

        return text.ToString();
    }

    private static void Attributes(StringBuilder text, List<SdpAttribute> attributes)
    {
        foreach (var attribute in attributes)
        {
            Line(text, 'a', attribute.Value is null ? attribute.Name : $"{attribute.Name}:{attribute.Value}");
        }
    }

    private static void Line(StringBuilder text, char type, string value) =>
        text.Append(type).Append('=').Append(value).Append("\r\n");
}
