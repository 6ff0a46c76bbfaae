using System.Globalization;
using System.Text.RegularExpressions;

namespace VoiceCluster.Architecture.Tests;

/// <summary>The files that deploy the system, held against the code: names, ports and paths that only a running container would miss.</summary>
public sealed class DeployTests
{
    /// <summary>Variables of others' images, and those that the files themselves make.</summary>
    private static readonly string[] Foreign = ["ASPNETCORE_HTTP_PORTS", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "PUBLIC_IP", "BIND_IP", "HOST_IP", "MEDIA_ANNOUNCED_IP", "AUTH_MODE", "CHANGE_ME"];

    private static readonly Lazy<string> Source = new(() => string.Concat(Repository.SourceFiles("src").Select(File.ReadAllText)));

    public static TheoryData<string> Files => new(
        Directory.EnumerateFiles(Repository.Root, "docker-compose*.yml")
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy"), "*", SearchOption.AllDirectories))
            .Where(f => f.EndsWith(".yml", StringComparison.Ordinal) || f.EndsWith(".yaml", StringComparison.Ordinal) || f.EndsWith("Dockerfile", StringComparison.Ordinal))
            .Select(Repository.Relative));

    public static TheoryData<string> Dockerfiles => new(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy"), "Dockerfile", SearchOption.AllDirectories).Select(Repository.Relative));

    [Theory]
    [MemberData(nameof(Files))]
    public void Options_InTheEnvironment_Exist(string file)
    {
        // Section__Option binds to a property; the code says which class has the section.
        var unknown = Regex.Matches(Read(file), @"\b([A-Z][A-Za-z]*)__([A-Z][A-Za-z]*)\b")
            .Where(m => !OptionExists(m.Groups[1].Value, m.Groups[2].Value))
            .Select(m => m.Value);
        Assert.Empty(unknown);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Variables_InTheEnvironment_AreRead(string file)
    {
        var unknown = Regex.Matches(WithoutComments(Read(file)), @"(?<![\w./-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w])")
            .Select(m => m.Value)
            .Except(Foreign)
            .Where(name => !Source.Value.Contains($"\"{name}\"", StringComparison.Ordinal) && name != "APP_UID");
        Assert.Empty(unknown);
    }

    [Theory]
    [MemberData(nameof(Dockerfiles))]
    public void Image_PublishesAProjectOfOurs_AndDoesNotRunAsRoot(string file)
    {
        var text = Read(file);
        var project = Regex.Match(text, @"dotnet publish src/(\w+) -c Release").Groups[1].Value;
        Assert.Contains(project, Repository.Projects());
        Assert.Matches($@"ENTRYPOINT \[""dotnet"", ""(/app/)?VoiceCluster\.{project}\.dll""\]", text);
        var last = LastStage(file);
        Assert.Matches(@"\nUSER (\$APP_UID|app)\n", last);
    }

    /// <summary>What a container without them does: it mixes nothing, and a recording ends as failed or is gone with the container.</summary>
    [Theory]
    [InlineData("deploy/media-node/Dockerfile")]
    [InlineData("deploy/standalone/Dockerfile")]
    public void Image_WithMedia_HasOpusAndAFolderOfItsOwn(string file)
    {
        var last = LastStage(file);
        Assert.Contains("\"libopus.so.0\"", Read("src/Media/Interop/Opus/LibOpus.cs"), StringComparison.Ordinal);
        string[] steps = ["apt-get install -y --no-install-recommends libopus0 ", "install -d -o $APP_UID -g $APP_UID /data\n", "USER $APP_UID\n", "Data__Path=/data\n", "VOLUME /data\n"];

        // In this order: what is installed after USER fails, and what is made after VOLUME is dropped.
        Assert.DoesNotContain(-1, steps.Select(s => last.IndexOf(s, StringComparison.Ordinal)));
        Assert.Equal(steps, steps.OrderBy(s => last.IndexOf(s, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("deploy/frontend/Dockerfile")]
    [InlineData("deploy/silo/Dockerfile")]
    public void Image_WithoutMedia_IsChiselled(string file)
    {
        var last = LastStage(file);
        Assert.Matches(@"^\nFROM mcr\.microsoft\.com/dotnet/aspnet:10\.0-noble-chiseled-extra\n", last);

        // There is no shell to run anything, and what is not there cannot be installed.
        Assert.DoesNotContain("\nRUN ", last, StringComparison.Ordinal);
    }

    /// <summary>A folder that an image declares has a volume with a name: one without would be left behind by the next container.</summary>
    [Theory]
    [InlineData("docker-compose.yml")]
    [InlineData("docker-compose.standalone.yml")]
    public void Compose_FoldersOfImages_AreOnVolumesOfTheirOwn(string file)
    {
        var text = Read(file);
        var declared = Regex.Matches(text[text.LastIndexOf("\nvolumes:\n", StringComparison.Ordinal)..], @"^  ([\w-]+):$", RegexOptions.Multiline).Select(m => m.Groups[1].Value).ToArray();
        List<string> taken = [];
        foreach (var (name, service) in Services(file))
        {
            var folder = name switch
            {
                _ when name.StartsWith("media-node", StringComparison.Ordinal) => "deploy/media-node/Dockerfile",
                "voicecluster" => "deploy/standalone/Dockerfile",
                _ => null,
            };
            if (folder is not null)
            {
                var path = Regex.Match(Read(folder), @"\nVOLUME (\S+)\n").Groups[1].Value;
                taken.Add(Regex.Match(service, $@"- ([\w-]+):{path}\n").Groups[1].Value);
            }
        }

        Assert.NotEmpty(taken);
        Assert.Distinct(taken);
        Assert.Subset(declared.ToHashSet(), taken.ToHashSet());
    }

    [Fact]
    public void Kubernetes_MediaNodes_KeepTheirFolderAndOwnIt()
    {
        var text = Read("deploy/k8s/media-node.yaml");
        Assert.Equal(2, Regex.Count(text, @"- \{ name: data, mountPath: /data \}"));
        Assert.Contains("hostPath: { path: /var/lib/voicecluster, type: DirectoryOrCreate }", text, StringComparison.Ordinal);

        // The user of the images of .NET, which is $APP_UID there.
        Assert.Matches(@"initContainers:\s+#[^\n]+\s+- name: own-data\s+image: voicecluster-media-node\s+command: \[chown, ""1654:1654"", /data\]", text);
    }

    [Theory]
    [InlineData("deploy/frontend/Dockerfile")]
    [InlineData("deploy/media-node/Dockerfile")]
    [InlineData("deploy/silo/Dockerfile")]
    public void Image_ExposesTheDefaultPorts(string file)
    {
        var http = Regex.Match(Read("src/ApiFrontend/Http/HttpOptions.cs"), @"Ports \{ get; set; \} = ""([\d,]+)""").Groups[1].Value.Split(',');
        var media = Read("src/MediaNode/MediaNodeOptions.cs");
        var relay = Read("src/MediaNode/RelayOptions.cs");
        var engine = Read("compat/Orleans/Orleans.Core/Hosting/Options.cs");
        string[] expected = file switch
        {
            "deploy/frontend/Dockerfile" => [.. http.Select(p => $"{p}/tcp")],
            "deploy/media-node/Dockerfile" => [$"{Default(media, "HttpPort")}/tcp", $"{Default(media, "PortRange")}/udp", $"{Default(relay, "UdpPort")}/udp"],
            _ => [$"{AspNetPort(file)}/tcp", $"{Default(engine, "SiloPort")}/tcp", $"{Default(engine, "GatewayPort")}/tcp"],
        };
        Assert.Equal(expected, Regex.Match(Read(file), @"EXPOSE (.+)").Groups[1].Value.Split(' '));
    }

    [Fact]
    public void Compose_MediaNodes_PublishTheirOwnPortsOneToOneAndShareNone()
    {
        var nodes = Services("docker-compose.yml").Where(s => s.Key.StartsWith("media-node", StringComparison.Ordinal)).ToArray();
        Assert.True(nodes.Length >= 2);
        var taken = new HashSet<int>();
        foreach (var (name, text) in nodes)
        {
            var range = Regex.Match(text, @"Media__PortRange: (\d+)-(\d+)");
            Assert.Contains($":{range.Groups[1]}-{range.Groups[2]}:{range.Groups[1]}-{range.Groups[2]}/udp", text, StringComparison.Ordinal);
            var (first, last) = (Number(range.Groups[1]), Number(range.Groups[2]));
            Assert.True(Enumerable.Range(first, last - first + 1).All(taken.Add), name);
            Assert.Equal(Number(Regex.Match(text, @"Media__Workers: ""(\d+)""").Groups[1]), last - first + 1);
            Assert.Contains($"Media__Name: {name}\n", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Compose_Cluster_HasEveryProcessTwiceAndEveryServer()
    {
        var services = Services("docker-compose.yml");
        Assert.Equal(
            ["coturn", "frontend-1", "frontend-2", "media-node-1", "media-node-2", "nats", "postgres", "prometheus", "redis", "silo-1", "silo-2"],
            services.Keys.Order(StringComparer.Ordinal));

        // Every file that a service mounts or is built from exists.
        var text = Read("docker-compose.yml");
        var paths = Regex.Matches(text, @"dockerfile: (\S+)|- \./([^:\s]+):").Select(m => m.Groups[1].Value + m.Groups[2].Value);
        Assert.All(paths, path => Assert.True(File.Exists(Path.Combine(Repository.Root, path)), path));
    }

    [Fact]
    public void Prometheus_Targets_AreTheProcessesOfTheCompose()
    {
        var services = Services("docker-compose.yml").Keys.Where(s => Regex.IsMatch(s, @"-\d$"));
        var targets = Regex.Matches(Read("deploy/prometheus/prometheus.yml"), @"([\w-]+-\d):(\d+)").Select(m => (Host: m.Groups[1].Value, Port: m.Groups[2].Value)).ToArray();
        Assert.Equal(services.Order(StringComparer.Ordinal), targets.Select(t => t.Host).Order(StringComparer.Ordinal));
        foreach (var (host, port) in targets)
        {
            Assert.Contains($"{port}/tcp", Read($"deploy/{host[..^2]}/Dockerfile"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Prometheus_Alerts_NameMetricsThatExist()
    {
        var known = Read("docs/metrics.md");
        var named = Regex.Matches(Read("deploy/prometheus/alerts.yml"), @"voicecluster_[a-z_]+").Select(m => Regex.Replace(m.Value, "_(bucket|count|sum)$", "")).Distinct().ToArray();
        Assert.NotEmpty(named);
        Assert.DoesNotContain(named, metric => !known.Contains($"`{metric}", StringComparison.Ordinal));
    }

    [Fact]
    public void Kubernetes_Resources_AreThereAndRestricted()
    {
        var listed = Regex.Matches(Read("deploy/k8s/kustomization.yaml"), @"- (\S+\.yaml)").Select(m => m.Groups[1].Value).ToArray();
        Assert.Equal(3, listed.Length);
        foreach (var file in listed)
        {
            var text = Read($"deploy/k8s/{file}");
            Assert.Contains("runAsNonRoot: true", text, StringComparison.Ordinal);
            Assert.Contains("allowPrivilegeEscalation: false", text, StringComparison.Ordinal);

            // The image's folder is the file's name, and it exposes what the pod says.
            var image = Read($"deploy/{Path.GetFileNameWithoutExtension(file)}/Dockerfile");
            Assert.All(Regex.Matches(text, @"containerPort: (\d+)"), m => Assert.Contains($"{m.Groups[1].Value}/tcp", image, StringComparison.Ordinal));
            Assert.All(Regex.Matches(text, @"prometheus\.io/port: ""(\d+)"""), m => Assert.Contains($"{m.Groups[1].Value}/tcp", image, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Kubernetes_Probes_AskRoutesThatExist()
    {
        var health = string.Concat(Repository.SourceFiles("src/Hosting").Select(File.ReadAllText));
        var paths = Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy/k8s"), "*.yaml")
            .SelectMany(f => Regex.Matches(File.ReadAllText(f), @"httpGet: \{ path: (\S+),").Select(m => m.Groups[1].Value)).Distinct().ToArray();
        Assert.Equal(["/health", "/health/ready"], paths.Order(StringComparer.Ordinal));
        Assert.All(paths, path => Assert.Contains($"\"{path}\"", health, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Secrets_AreNotInTheFiles(string file) => Assert.DoesNotMatch(@"(?:PASSWORD|SECRET): (?!""""|\$\{)[^\s#]", WithoutComments(Read(file)));

    private static string LastStage(string file)
    {
        var text = Read(file);
        return text[text.LastIndexOf("\nFROM ", StringComparison.Ordinal)..];
    }

    private static bool OptionExists(string section, string option)
    {
        if (Source.Value.Contains($"\"{section}:{option}\"", StringComparison.Ordinal))
        {
            return true;
        }

        // A class may read its own section.
        var property = $@"public [\w?<>.,\[\] ]+ {option} \{{ get; set; \}}";
        if (Repository.SourceFiles("src").Select(File.ReadAllText).Any(t =>
            t.Contains($"const string Section = \"{section}\"", StringComparison.Ordinal) && t.Contains("GetSection(Section)", StringComparison.Ordinal) && Regex.IsMatch(t, property)))
        {
            return true;
        }

        return Regex.Matches(Source.Value, @"AddOptions<(\w+)>\(\)[^;]*?\.Bind\([\w.]*GetSection\((?:""(\w+)""|(\w+)\.Section)\)")
            .Select(m => (Class: m.Groups[1].Value, Section: m.Groups[2].Value))
            .Select(b => (Text: Class(b.Class), b.Section))
            .Where(b => b.Section == section || b.Text.Contains($"Section = \"{section}\"", StringComparison.Ordinal))
            .Any(b => Regex.IsMatch(b.Text, property));
    }

    /// <summary>The file that declares a class.</summary>
    private static string Class(string name) =>
        Repository.SourceFiles("src").Select(File.ReadAllText).FirstOrDefault(t => Regex.IsMatch(t, $@"class {name}\b(?!\w)")) ?? "";

    /// <summary>The services of a compose file with their lines.</summary>
    private static Dictionary<string, string> Services(string file)
    {
        var text = Read(file);
        text = text[(text.IndexOf("\nservices:\n", StringComparison.Ordinal) + "\nservices:\n".Length)..];
        text = text[..Regex.Match(text + "\nend", @"^\w", RegexOptions.Multiline).Index];
        return Regex.Matches(text, @"^  ([\w-]+):\n((?:(?:    .*|  #.*|)\n)*)", RegexOptions.Multiline).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
    }

    private static string Default(string source, string option) =>
        Regex.Match(source, $@"\b{option} \{{ get; set; \}} = ""?([\d_-]+)").Groups[1].Value.Replace("_", "", StringComparison.Ordinal);

    private static string AspNetPort(string file) => Regex.Match(Read(file), @"ASPNETCORE_HTTP_PORTS=(\d+)").Groups[1].Value;

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    private static string WithoutComments(string text) => Regex.Replace(text, @"^\s*#.*$", "", RegexOptions.Multiline);

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));
}
