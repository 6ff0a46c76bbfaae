namespace VoiceCluster.MediaNode.Tests;

public sealed class MediaNodeOptionsTests
{
    private readonly MediaNodeOptionsValidator _validator = new();

    [Fact]
    public void Validate_Defaults_AreGood() => Assert.True(_validator.Validate(null, new MediaNodeOptions()).Succeeded);

    [Fact]
    public void Validate_SeveralFaults_NamesAllAtOnce()
    {
        var result = _validator.Validate(null, new MediaNodeOptions
        {
            Ip = "localhost",
            AnnouncedIp = "example.org",
            PortRange = "10100-10000",
            Workers = -1,
            HttpPort = 70_000,
            MaxConsumersPerNode = 0,
            MaxConsumersPerWorker = -1,
        });

        string[] options = ["Media:Ip", "Media:AnnouncedIp", "Media:PortRange", "Media:Workers", "Media:HttpPort", "Media:MaxConsumersPerNode", "Media:MaxConsumersPerWorker"];
        Assert.All(options, o => Assert.Contains(result.Failures!, f => f.StartsWith(o, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("10000-10100", true)]
    [InlineData("10000–10100", true)]
    [InlineData("5-5", true)]
    [InlineData("0-5", false)]
    [InlineData("1", false)]
    [InlineData("1-2-3", false)]
    [InlineData("a-b", false)]
    [InlineData("1-65536", false)]
    public void TryGetPorts_Text_IsRead(string range, bool isGood) =>
        Assert.Equal(isGood, new MediaNodeOptions { PortRange = range }.TryGetPorts(out _, out _));

    [Theory]
    [InlineData(null, "")]
    [InlineData("3", "3")]
    [InlineData("2, 4-6", "2 4 5 6")]
    [InlineData("1023", "1023")]
    public void TryGetProcessors_List_IsRead(string? text, string expected)
    {
        Assert.True(new MediaNodeOptions { Processors = text }.TryGetProcessors(out var processors));
        Assert.Equal(expected, string.Join(' ', processors));
    }

    [Theory]
    [InlineData("1024")]
    [InlineData("5-2")]
    [InlineData("1-2-3")]
    [InlineData("-1")]
    [InlineData("1,,2")]
    [InlineData("all")]
    public void Validate_ProcessorsThatAreNone_AreRefused(string text)
    {
        var result = _validator.Validate(null, new MediaNodeOptions { Processors = text });

        Assert.StartsWith("Media:Processors", Assert.Single(result.Failures!), StringComparison.Ordinal);
    }
}
