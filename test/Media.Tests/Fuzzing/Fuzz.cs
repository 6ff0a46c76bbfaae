namespace VoiceCluster.Media.Tests.Fuzzing;

/// <summary>
/// Mutation fuzzing for parsers: takes seeds, breaks them and hands them over. A parser passes when it neither throws nor
/// remembers. The generator is seeded, so a failure repeats; FUZZ_ITERATIONS sets the number of inputs (5,000 without).
/// </summary>
public static class Fuzz
{
    /// <summary>Takes one input. A delegate of its own, because spans are no type arguments.</summary>
    public delegate void Target(Span<byte> input);

    /// <summary>Inputs for each target.</summary>
    public static int Iterations { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("FUZZ_ITERATIONS"), out var count) && count > 0 ? count : 5_000;

    /// <summary>Runs a target over mutations of the seeds. A failure names the input in hex.</summary>
    public static void Run(IReadOnlyList<byte[]> seeds, Target target, int seed = 1)
    {
        var random = new Random(seed);
        var buffer = new byte[4096];
        for (var i = 0; i < Iterations; i++)
        {
            var length = Mutate(seeds[random.Next(seeds.Count)], seeds, buffer, random);
            var input = buffer.AsSpan(0, length);
            var copy = input.ToArray();
            try
            {
                target(input);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"Input {i}: {Convert.ToHexString(copy)}", failure);
            }
        }
    }

    private static int Mutate(byte[] source, IReadOnlyList<byte[]> seeds, byte[] buffer, Random random)
    {
        source.CopyTo(buffer, 0);
        var length = source.Length;
        for (var change = random.Next(6); change > 0; change--)
        {
            switch (random.Next(7))
            {
                case 0 when length > 0:
                    buffer[random.Next(length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when length > 0:
                    buffer[random.Next(length)] = (byte)random.Next(256);
                    break;
                case 2 when length > 0:
                    buffer[random.Next(length)] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                case 3:
                    length = random.Next(length + 1);
                    break;
                case 4:
                    var more = Math.Min(random.Next(64), buffer.Length - length);
                    random.NextBytes(buffer.AsSpan(length, more));
                    length += more;
                    break;
                case 5 when length > 2:
                    var from = random.Next(length - 1);
                    var gone = random.Next(1, length - from);
                    buffer.AsSpan(from + gone, length - from - gone).CopyTo(buffer.AsSpan(from));
                    length -= gone;
                    break;
                case 6:
                    var other = seeds[random.Next(seeds.Count)];
                    var at = random.Next(length + 1);
                    var take = Math.Min(other.Length, buffer.Length - at);
                    other.AsSpan(0, take).CopyTo(buffer.AsSpan(at));
                    length = at + take;
                    break;
            }
        }

        return length;
    }
}
