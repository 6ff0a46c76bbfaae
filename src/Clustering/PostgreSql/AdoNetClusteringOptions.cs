using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace Orleans.Configuration
{
    /// <summary>A silo's membership table in PostgreSQL.</summary>
    public class AdoNetClusteringSiloOptions
    {
        /// <summary>Npgsql's connection string.</summary>
        public string ConnectionString { get; set; } = "";

        /// <summary>The connector: <c>Npgsql</c>.</summary>
        public string Invariant { get; set; } = "";
    }

    /// <summary>Where a client reads the membership table in PostgreSQL.</summary>
    public class AdoNetClusteringClientOptions
    {
        /// <summary>Npgsql's connection string.</summary>
        public string ConnectionString { get; set; } = "";

        /// <summary>The connector: <c>Npgsql</c>.</summary>
        public string Invariant { get; set; } = "";
    }
}

namespace VoiceCluster.Clustering.PostgreSql
{
    /// <summary>Reports every fault of the options at once.</summary>
    public sealed class AdoNetClusteringOptionsValidator : IValidateOptions<AdoNetClusteringSiloOptions>, IValidateOptions<AdoNetClusteringClientOptions>
    {
        /// <inheritdoc/>
        public ValidateOptionsResult Validate(string? name, AdoNetClusteringSiloOptions options) =>
            Validate(nameof(AdoNetClusteringSiloOptions), options.Invariant, options.ConnectionString);

        /// <inheritdoc/>
        public ValidateOptionsResult Validate(string? name, AdoNetClusteringClientOptions options) =>
            Validate(nameof(AdoNetClusteringClientOptions), options.Invariant, options.ConnectionString);

        private static ValidateOptionsResult Validate(string options, string invariant, string connectionString)
        {
            var faults = new List<string>();
            if (invariant != "Npgsql")
            {
                faults.Add($"{options}.Invariant is '{invariant}'; it must be Npgsql.");
            }

            try
            {
                if (string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(connectionString).Host))
                {
                    faults.Add($"{options}.ConnectionString names no host.");
                }
            }
            catch (ArgumentException e)
            {
                faults.Add($"{options}.ConnectionString is no connection string: {e.Message}");
            }

            return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
        }
    }
}
