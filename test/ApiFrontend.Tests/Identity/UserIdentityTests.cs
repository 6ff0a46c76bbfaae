using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Tests.Identity;

public sealed class UserIdentityTests
{
    [Fact]
    public void NameBased_ExampleOfTheRfc_GivesItsUuid()
        // RFC 9562 appendix A.4: the DNS namespace and www.example.com.
        => Assert.Equal(
            new Guid("2ed6657d-e927-568b-95e1-2665a8aea6a2"),
            UserIdentity.NameBased(new Guid("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com"));

    [Fact]
    public void FromText_Uuid_IsItself()
        => Assert.Equal(new Guid("2ed6657d-e927-568b-95e1-2665a8aea6a2"), UserIdentity.FromText("2ED6657D-e927-568b-95e1-2665a8aea6a2"));

    [Fact]
    public void FromText_SameText_IsTheSameUserForEver()
    {
        Assert.Equal(UserIdentity.FromText("bob"), UserIdentity.FromText("bob"));
        Assert.NotEqual(UserIdentity.FromText("bob"), UserIdentity.FromText("Bob"));
    }
}
