using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using VoiceCluster.Engine.Tests.Observers;

namespace VoiceCluster.Engine.Tests.Serialization;

/// <summary>Values as bytes and back, also between versions, also from hostile bytes.</summary>
public sealed class CodecTests(SiloFixture silo) : IClassFixture<SiloFixture>
{
    private readonly Serializer _serializer = silo.Client.ServiceProvider.GetRequiredService<Serializer>();

    public static TheoryData<object> Values =>
    [
        true, (byte)255, (sbyte)-1, short.MinValue, ushort.MaxValue, 'ä', int.MinValue, uint.MaxValue, long.MinValue, ulong.MaxValue,
        1.5f, double.NaN, -0.1m, "", "text ä 😀", Guid.NewGuid(), TimeSpan.MinValue, DateTime.UtcNow,
        new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(-5)), new DateOnly(2026, 1, 2), new TimeOnly(3, 4), Colour.Blue,
        new[] { 1, 2 }, new List<string> { "a" }, new Dictionary<int, string> { [1] = "b" }, new HashSet<int> { 3 }, (1, "x"), (1, 2L, "y"),
        new Uri("http://a/b"), new Version(1, 2), System.Net.IPAddress.IPv6Loopback, GrainId.Create("a", "b/c"),
        SiloAddress.New(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), 2), new Dog("Rex", 3), new Positional(1, null),
        new[] { new List<int[]> { new[] { 1 } } },
    ];

    [Theory]
    [MemberData(nameof(Values))]
    public void Value_OfAnyKind_ComesBackEqual(object value) => Assert.Equal(value, Roundtrip(value));

    [Fact]
    public void Record_ByItsBase_KeepsItsTypeAndNullsAndNesting()
    {
        Animal cat = new Cat("Tom", new Dog("Spike", 7));
        Assert.Equal(cat, Roundtrip(cat));
        Assert.Equal(new Cat("Tom", null), Roundtrip<Animal?>(new Cat("Tom", null)));
        Assert.Null(Roundtrip<Animal?>(null));
    }

    [Fact]
    public void Generic_WithPrivateFields_ComesBack()
    {
        var back = Roundtrip(new Box<Animal> { Secret = new Dog("a", 1), Open = new Cat("b", null), Ignored = 5 });
        Assert.Equal(new Dog("a", 1), back.Secret);
        Assert.Equal(new Cat("b", null), back.Open);
        Assert.Equal(0, back.Ignored);
        Assert.Equal(7, ((Box<int>)Roundtrip<object>(new Box<int> { Secret = 7 })).Secret);
    }

    [Fact]
    public void Everything_AtOnce_ComesBack()
    {
        var value = Sample();
        var back = Roundtrip(value);
        Assert.Equal(value.Numbers, back.Numbers);
        Assert.Equal(2, back.Map!["a"][0].Y);
        Assert.Null(back.Map["a"][1].Y);
        Assert.Equal(value.Colours.AsEnumerable(), back.Colours.AsEnumerable());
        Assert.Equal(value.Any, back.Any);
        Assert.Equal(value.Animals, back.Animals);
        Assert.Equal(value.Pair, back.Pair);
        Assert.Equal(value.Id, back.Id);
        Assert.Equal(value.Bytes, back.Bytes);
        Assert.Null(Roundtrip(new Everything()).Error);
        Assert.True(Roundtrip(new Everything()).Colours.IsDefault);
    }

    [Fact]
    public void Exception_ComesBackWithTypeMessageStackAndInner()
    {
        Exception thrown;
        try
        {
            throw new KeyNotFoundException("gone", new FormatException("inner"));
        }
        catch (KeyNotFoundException e)
        {
            thrown = e;
        }

        var back = Assert.IsType<KeyNotFoundException>(Roundtrip(thrown));
        Assert.Equal("gone", back.Message);
        Assert.Equal("inner", Assert.IsType<FormatException>(back.InnerException).Message);
        Assert.Contains(nameof(Exception_ComesBackWithTypeMessageStackAndInner), back.StackTrace, StringComparison.Ordinal);
    }

    [Fact]
    public void Reference_ComesBackBound()
    {
        var key = Probe.NewKey();
        var grain = silo.Client.GetGrain<ISpeaker>(key);
        Assert.Equal((object)grain, Roundtrip(grain));
        var listener = silo.Client.GetGrain<ISpeakerListener>(key).AsReference<IListener>();
        Assert.Equal((object)listener, Roundtrip(new Ticket(listener)).Listener);
    }

    [Fact]
    public void OldReader_OfANewVersion_PassesOverWhatItDoesNotKnow()
    {
        var bytes = _serializer.SerializeToArray(new VersionTwo("n", new Cat("c", new Dog("d", 1)), ["x", "y"], 9, 0.5));
        Assert.Equal(new VersionOne("n", 9), _serializer.Deserialize<VersionOne>(bytes));
    }

    [Fact]
    public void NewReader_OfAnOldVersion_LeavesDefaults()
    {
        var back = _serializer.Deserialize<VersionTwo>(_serializer.SerializeToArray(new VersionOne("n", 9)));
        Assert.Equal(("n", null, null, 9, 0), (back.Name, (object?)back.Added, (object?)back.More, back.Kept, back.Last));
    }

    [Fact]
    public void CircularGraph_IsRefused()
    {
        var box = new Box<object>();
        box.Secret = box;
        Assert.Throws<SerializerException>(() => _serializer.SerializeToArray(box));
    }

    [Fact]
    public void UnmarkedType_IsRefusedByName() => Assert.Contains(
        nameof(Calls.Unmarked),
        Assert.Throws<CodecNotFoundException>(() => _serializer.SerializeToArray<object>(new Calls.Unmarked())).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Bytes_CutOrChanged_GiveAValueOrSerializerExceptionOnly()
    {
        var bytes = _serializer.SerializeToArray<object>(Sample());
        var random = new Random(1);
        for (var round = 0; round < 20_000; round++)
        {
            var input = bytes[..(round % 2 == 0 ? bytes.Length : random.Next(bytes.Length))].ToArray();
            for (var change = 0; change <= round % 4 && input.Length > 0; change++)
            {
                input[random.Next(input.Length)] = (byte)random.Next(256);
            }

            try
            {
                _serializer.Deserialize<object>(input);
            }
            catch (SerializerException)
            {
                // The only exception that hostile bytes may cause.
            }
        }
    }

    private static Everything Sample() => new()
    {
        Numbers = [1, -2, int.MaxValue],
        Map = new() { ["a"] = [new Point { X = 1, Y = 2 }, new Point { X = 3 }], ["b"] = [] },
        Colours = [Colour.Red, (Colour)99],
        Any = new Dog("Rex", 3),
        Animals = new Animal[] { new Dog("a", 1), new Cat("b", null) },
        Pair = (1, "one"),
        Error = new InvalidOperationException("bad", new FormatException("inner")),
        Id = Guid.NewGuid(),
        Bytes = [1, 2, 3],
    };

    private T Roundtrip<T>(T value) => _serializer.Deserialize<T>(_serializer.SerializeToArray(value));
}
