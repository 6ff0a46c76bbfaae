using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Media.Tests.Srtp;

public sealed class ReplayWindowTests
{
    /// <summary>Random walks with jumps, against a set of all indices ever committed.</summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 200)]
    [InlineData(3, 1_500)]
    [InlineData(4, 100_000)]
    public void IsFresh_AlongARandomWalk_EqualsThePlainDefinition(int seed, int maxJump)
    {
        var random = new Random(seed);
        var window = default(ReplayWindow);
        var seen = new HashSet<ulong>();
        var highest = 0UL;
        for (var i = 0; i < 20_000; i++)
        {
            var index = random.Next(2) == 0 || highest < 2_000
                ? highest + (ulong)random.Next(1, maxJump + 1)
                : highest - (ulong)random.Next(0, 1_200);
            var expected = index > highest || (highest - index < ReplayWindow.Width && !seen.Contains(index));
            Assert.Equal(expected, window.IsFresh(index));
            if (expected)
            {
                window.Commit(index);
                seen.Add(index);
                highest = Math.Max(highest, index);
            }
        }
    }
}
