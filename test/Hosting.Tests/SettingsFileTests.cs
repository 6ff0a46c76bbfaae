using Microsoft.Extensions.Configuration;
using VoiceCluster.Hosting.Settings;

namespace VoiceCluster.Hosting.Tests;

public sealed class SettingsFileTests
{
    private const string Known = """
        [server]
        host = "127.0.0.1"
        port = 3000
        websocket_port = 3001

        [audio]
        udp_port = 3002
        sample_rate = 48000
        channels = 2
        buffer_size = 1024
        max_packet_size = 1500

        [limits]
        max_users_per_channel = 10
        max_channels = 100
        """;

    [Fact]
    public void Settings_OfTheKnownTables_AreTheOptionsOfTheServer()
    {
        var settings = SettingsFile.Map(TomlReader.Read(Known));

        Assert.Equal(
            new Dictionary<string, string?>
            {
                ["Http:Bind"] = "127.0.0.1",
                ["Media:Ip"] = "127.0.0.1",
                ["Http:Ports"] = "3000,3001",
                ["Relay:UdpPort"] = "3002",
                ["Relay:SampleRate"] = "48000",
                ["Relay:Channels"] = "2",
                ["Relay:BufferSize"] = "1024",
                ["Relay:MaxPacketSize"] = "1500",
                ["Channels:MaxUsersPerChannel"] = "10",
                ["Channels:MaxChannels"] = "100",
            },
            settings);
    }

    [Fact]
    public void Values_OfEveryKind_AreRead()
    {
        var settings = SettingsFile.Map(TomlReader.Read("""
            # A comment
            top = 'literal \n'   # and another
            [Media]
            Workers = 2
            Name = "a \"quoted\" \u00e9\t#"
            [A."b.c".d]
            e.f = true
            list = [ 1, 0x1F, -2_000, 1.5, "x" ]
            """));

        Assert.Equal(@"literal \n", settings["top"]);
        Assert.Equal(("2", "a \"quoted\" é\t#"), (settings["Media:Workers"], settings["Media:Name"]));
        Assert.Equal("true", settings["A:b.c:d:e:f"]);
        Assert.Equal(["1", "31", "-2000", "1.5", "x"], Enumerable.Range(0, 5).Select(i => settings[$"A:b.c:d:list:{i}"]));
    }

    [Theory]
    [InlineData("[server]\nprot = 1", 2, "server.prot")]
    [InlineData("[server]\nport = \"many\"", 2, "whole number")]
    [InlineData("a = 1\n\na = 2", 3, "twice")]
    [InlineData("[a]\n[a]", 2, "twice")]
    [InlineData("a", 1, "=")]
    [InlineData("a = ", 1, "missing")]
    [InlineData("a = 1 2", 1, "follow")]
    [InlineData("a = yes", 1, "yes")]
    [InlineData("a = 012", 1, "012")]
    [InlineData("a = \"open", 1, "closing")]
    [InlineData("a = \"\\q\"", 1, "\\")]
    [InlineData("a = \"\\ud800\"", 1, "hexadecimal")]
    [InlineData("a = \"\"\"x\"\"\"", 1, "several lines")]
    [InlineData("a = { b = 1 }", 1, "Inline")]
    [InlineData("a = [[1]]", 1, "Arrays of arrays")]
    [InlineData("a = [1", 1, "ends with ]")]
    [InlineData("[[a]]", 1, "Arrays of tables")]
    [InlineData("[a", 1, "]")]
    [InlineData("= 1", 1, "key")]
    [InlineData("a = 2026-01-01", 1, "2026")]
    public void Fault_IsNamedWithItsLine(string text, int line, string word)
    {
        var fault = Assert.Throws<TomlException>(() => SettingsFile.Map(TomlReader.Read(text)));

        Assert.Equal(line, fault.Line);
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_WithAFault_StopsTheStart_AndOneThatIsAbsentDoesNot()
    {
        var folder = Directory.CreateTempSubdirectory("voicecluster-settings-").FullName;
        try
        {
            var path = Path.Combine(folder, SettingsFile.Name);
            Assert.Empty(new ConfigurationBuilder().AddSettingsToml(path).Build().AsEnumerable());
            File.WriteAllText(path, "[audio]\nudp_port = 4000\n");
            var later = new ConfigurationBuilder().AddSettingsToml(path).AddInMemoryCollection([new("Relay:MaxPacketSize", "900")]).Build();
            Assert.Equal(("4000", "900"), (later["Relay:UdpPort"], later["Relay:MaxPacketSize"]));
            File.WriteAllText(path, "[audio\n");
            var fault = Assert.Throws<StartException>(() => new ConfigurationBuilder().AddSettingsToml(path));
            Assert.Contains("line 1", fault.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Reader_WithMutatedText_ThrowsNothingButItsOwnFault()
    {
        Random random = new(1);
        for (var i = 0; i < 20_000; i++)
        {
            var text = Known.ToCharArray();
            for (var change = random.Next(1, 8); change > 0; change--)
            {
                text[random.Next(text.Length)] = "\"'[]{}=.,#\\\n\0 x1é"[random.Next(17)];
            }

            try
            {
                SettingsFile.Map(TomlReader.Read(new string(text)));
            }
            catch (TomlException e)
            {
                Assert.InRange(e.Line, 1, 200);
            }
        }
    }
}
