namespace VoiceCluster.Engine.Tests.Turns;

public sealed class RequestQueueTests
{
    [Fact]
    public void Load_GrainHasDoneWithARequest_LeavesItOut()
    {
        var queue = new RequestQueue(new GrainClassInfo(typeof(WorkerGrain)));
        var first = new Request();
        queue.Add(first);
        queue.Add(new Request());
        Assert.Same(first, queue.TakeNext(isEnding: false));
        Assert.Equal(2, queue.Load);
        first.End();
        Assert.Equal(1, queue.Load);
        Assert.Equal(2, queue.Count);
        queue.Finish(first);
        Assert.Equal(1, queue.Load);
    }

    private sealed class Request : ActivationRequest
    {
        public override bool AlwaysInterleave => false;

        public void End() => IsOver = true;

        public override Task RunAsync(Activation activation) => throw new NotSupportedException();

        public override void Reroute() => throw new NotSupportedException();

        public override void Fail(Exception exception) => throw new NotSupportedException();
    }
}
