using VoiceCluster.Media.Bandwidth;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Tests.Fuzzing;

namespace VoiceCluster.Media.Tests.Rtcp;

/// <summary>Transport-wide feedback from strangers, down to the estimate that is made of it.</summary>
public sealed class TransportFeedbackFuzzTests
{
    [Fact]
    public void Parse_MutatedFeedback_NeverThrowsNorRunsOn()
    {
        byte[][] seeds =
        [
            Convert.FromHexString("FFFE" + "0013" + "00000205" + "2002" + "9000" + "E100" + "04" + "08" + "01" + "FFFC" + "02"),
            Convert.FromHexString("00050007" + "00000101" + "D654" + "0102030405060708090A"),
        ];
        var parsed = 0;
        var estimator = new SendSideEstimator();
        for (ushort i = 0; i < 100; i++)
        {
            estimator.OnSent(i, 1_000, i);
        }

        var now = 1_000_000L;
        Fuzz.Run(seeds, input =>
        {
            if (TransportFeedbackReader.TryParse(input, out var reader))
            {
                parsed++;
                estimator.OnFeedback(reader, now += 1_000);
                Assert.InRange(reader.Count, 1, TransportFeedbackReader.MaxStatuses);
            }
        });
        Assert.True(parsed > 0);
        Assert.InRange(estimator.Estimate, SendSideEstimator.MinEstimate, SendSideEstimator.MaxEstimate);
    }
}
