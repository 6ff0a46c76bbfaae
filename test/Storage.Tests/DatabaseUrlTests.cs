using Npgsql;
using VoiceCluster.PostgreSql;

namespace VoiceCluster.Storage.Tests;

public sealed class DatabaseUrlTests
{
    [Theory]
    [InlineData("postgres://discord:password@localhost:5432/discord")]
    [InlineData("postgresql://discord:password@localhost/discord")]
    [InlineData("Host=localhost;Port=5432;Username=discord;Password=password;Database=discord")]
    public void TryParse_EitherForm_IsTheSameConnection(string text)
    {
        Assert.True(DatabaseUrl.TryParse(text, out var connection, out var error), error);
        Assert.Equal(
            ("localhost", 5432, "discord", "password", "discord"),
            (connection.Host, connection.Port, connection.Username, connection.Password, connection.Database));
    }

    [Fact]
    public void TryParse_EscapesAndTls_AreRead()
    {
        Assert.True(DatabaseUrl.TryParse("postgres://a%40b:p%2Fw@[::1]:6432/my%20db?sslmode=verify-full", out var connection, out _));
        Assert.Equal(("::1", 6432, "a@b", "p/w", "my db"), (connection.Host, connection.Port, connection.Username, connection.Password, connection.Database));
        Assert.Equal(SslMode.VerifyFull, connection.SslMode);
    }

    [Theory]
    [InlineData("postgres://")]
    [InlineData("postgres://host")]
    [InlineData("postgres://u:secret@host/db?sslmode=maybe")]
    [InlineData("postgres://u:secret@host/db?pool=3")]
    [InlineData("nonsense")]
    [InlineData("Database=only")]
    public void TryParse_Wrong_SaysWhyWithoutThePassword(string text)
    {
        Assert.False(DatabaseUrl.TryParse(text, out var connection, out var error));
        Assert.Null(connection);
        Assert.StartsWith("DATABASE_URL", error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }
}
