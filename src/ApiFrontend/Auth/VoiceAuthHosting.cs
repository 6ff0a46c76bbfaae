using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>What a host lets <see cref="AuthOptions"/> start from.</summary>
public enum AuthDefaults
{
    /// <summary>Required, no dev tokens, keys from the configuration.</summary>
    Server,

    /// <summary>On loopback Open with dev tokens. Without JWT_SECRET a secret is made and kept in <c>Data:Path</c>.</summary>
    Standalone,
}

/// <summary>Adds identity and limits to a frontend: <c>AddVoiceAuth</c>, <c>UseVoiceAuth</c>, <c>MapVoiceAuth</c>.</summary>
public static class VoiceAuthHosting
{
    /// <summary>Registers token checks, dev tokens and limits, with their options.</summary>
    public static IServiceCollection AddVoiceAuth(
        this IServiceCollection services, IConfiguration configuration, AuthDefaults defaults = AuthDefaults.Server)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<AuthOptions>()
            .Configure(options => SetDefaults(options, configuration, defaults))
            .Bind(configuration.GetSection("Auth"))
            .PostConfigure(options => options.Secret = SecretOf(configuration, defaults))
            .ValidateOnStart();
        services.AddOptions<RateLimitOptions>().Bind(configuration.GetSection("RateLimit")).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AuthOptions>, AuthOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RateLimitOptions>, RateLimitOptionsValidator>());
        services.AddHttpClient(IssuerKeys.HttpClientName, client => client.MaxResponseContentBufferSize = IssuerKeys.MaxResponseBytes)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
            .RemoveAllLoggers();
        services.AddSingleton<IssuerKeys>();
        services.AddSingleton<ITokenValidator, JwtTokenValidator>();
        services.AddSingleton<DevTokens>();
        services.AddSingleton<TokenExpiry>();
        services.AddSingleton<RequestLimits>();
        services.AddHostedService<OpenBindGuard>();
        services.AddSingleton<IRouteGuards, FrontendGuards>();
        TrustedProxies.Add(services, configuration);

        // The framework's own request log shows query strings, and a WebSocket's may hold its token.
        services.AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning));
        return services;
    }

    /// <summary>
    /// Limits and identity, in this order: address limit, foreign origins, token and route policy, user limit.
    /// Comes after CORS, so that browsers can read refusals, and before everything that answers.
    /// </summary>
    public static IApplicationBuilder UseVoiceAuth(this IApplicationBuilder app) => app
        .UseMiddleware<AddressLimitMiddleware>()
        .UseMiddleware<OriginGuard>()
        .UseMiddleware<IdentityMiddleware>()
        .UseMiddleware<UserLimitMiddleware>();

    /// <summary>Maps <c>POST /api/v1/auth/token</c>.</summary>
    public static IEndpointConventionBuilder MapVoiceAuth(this IEndpointRouteBuilder routes)
        => routes.MapPost("/api/v1/auth/token", DevTokenEndpoint.HandleAsync).AllowAnonymous().WithDocs(IdentityDocs.Token);

    private static void SetDefaults(AuthOptions options, IConfiguration configuration, AuthDefaults defaults)
    {
        options.Bind = configuration["Http:Bind"] is { Length: > 0 } bind ? bind : options.Bind;
        if (defaults == AuthDefaults.Standalone && AuthOptions.IsLoopback(options.Bind))
        {
            options.Mode = AuthMode.Open;
            options.DevTokens = true;
        }
    }

    private static string? SecretOf(IConfiguration configuration, AuthDefaults defaults)
    {
        if (configuration["JWT_SECRET"] is { Length: > 0 } secret)
        {
            return secret;
        }

        return defaults == AuthDefaults.Standalone
            ? SecretFile.ReadOrCreate(configuration["Data:Path"] is { Length: > 0 } path ? path : "data")
            : null;
    }
}
