using System.Globalization;
using Microsoft.Extensions.Options;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using VoiceCluster.Clustering.Resp;
using VoiceCluster.Clustering.Rows;

namespace VoiceCluster.Clustering.Redis;

/// <summary>
/// The membership table as one hash in Redis. Fields: <c>version</c> holds number and ETag, <c>row ip:port@generation</c>
/// ETag and JSON, <c>alive ip:port@generation</c> a time. One script compares and writes, so that a change is one step.
/// </summary>
public sealed class RedisMembershipTable : IMembershipTable, IAsyncDisposable
{
    private const string VersionField = "version";
    private const string RowPrefix = "row ";
    private const string AlivePrefix = "alive ";

    /// <summary>
    /// ETag expected, new version, new ETag, silo, row ETag expected (none for an insert), row. Answers 1 when written.
    /// The new ETag is new in the world: where it already stands, this very change was made and only its answer lost.
    /// </summary>
    private const string WriteScript = """
        local current = redis.call('HGET', KEYS[1], 'version')
        local number, etag = 0, '0'
        if current then
          local space = string.find(current, ' ', 1, true)
          number, etag = tonumber(string.sub(current, 1, space - 1)), string.sub(current, space + 1)
        end
        if etag == ARGV[3] then return 1 end
        if etag ~= ARGV[1] or tonumber(ARGV[2]) <= number then return 0 end
        local row = redis.call('HGET', KEYS[1], 'row ' .. ARGV[4])
        if ARGV[5] == '' then
          if row then return 0 end
          redis.call('HDEL', KEYS[1], 'alive ' .. ARGV[4])
        elseif not row or string.sub(row, 1, string.find(row, ' ', 1, true) - 1) ~= ARGV[5] then
          return 0
        end
        redis.call('HSET', KEYS[1], 'version', ARGV[2] .. ' ' .. ARGV[3], 'row ' .. ARGV[4], ARGV[3] .. ' ' .. ARGV[6])
        return 1
        """;

    /// <summary>Silo, time. Answers 0 when the silo has no row. Times are written such that text order is time order.</summary>
    private const string AliveScript = """
        if redis.call('HEXISTS', KEYS[1], 'row ' .. ARGV[1]) == 0 then return 0 end
        local old = redis.call('HGET', KEYS[1], 'alive ' .. ARGV[1])
        if not old or old < ARGV[2] then redis.call('HSET', KEYS[1], 'alive ' .. ARGV[1], ARGV[2]) end
        return 1
        """;

    /// <summary>Pairs of silo and row ETag. Deletes the rows that are still as they were read.</summary>
    private const string CleanupScript = """
        for i = 1, #ARGV, 2 do
          local row = redis.call('HGET', KEYS[1], 'row ' .. ARGV[i])
          if row and string.sub(row, 1, string.find(row, ' ', 1, true) - 1) == ARGV[i + 1] then
            redis.call('HDEL', KEYS[1], 'row ' .. ARGV[i], 'alive ' .. ARGV[i])
          end
        end
        return #ARGV / 2
        """;

    private readonly RespClient _client;
    private readonly RedisClusteringOptions _options;
    private readonly ClusterOptions _cluster;
    private readonly string _key;

    /// <summary>The table of one cluster.</summary>
    public RedisMembershipTable(RespClient client, IOptions<RedisClusteringOptions> options, IOptions<ClusterOptions> cluster)
    {
        _client = client;
        _options = options.Value;
        _cluster = cluster.Value;
        _key = _options.CreateRedisKey(_cluster);
    }

    /// <summary>Asks whether the server lets us in and holds what we can read. A table needs no making: it begins with its first row.</summary>
    public Task InitializeMembershipTable(bool tryInitTableVersion) => ReadAll();

    /// <inheritdoc/>
    public Task DeleteMembershipTableEntries(string clusterId) =>
        RunAsync("DEL", _options.CreateRedisKey(new ClusterOptions { ServiceId = _cluster.ServiceId, ClusterId = clusterId }));

    /// <inheritdoc/>
    public async Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate)
    {
        var data = await ReadAll().ConfigureAwait(false);
        string[] defunct = [.. data.Members
            .Where(m => m.Item1.Status != SiloStatus.Active && RowText.LastSign(m.Item1) < beforeDate.UtcDateTime)
            .SelectMany(m => new[] { m.Item1.SiloAddress.ToParsableString(), m.Item2 })];
        if (defunct.Length > 0)
        {
            await RunAsync(["EVAL", CleanupScript, "1", _key, .. defunct]).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        var silo = key.ToParsableString();
        var reply = await RunAsync("HMGET", _key, VersionField, RowPrefix + silo, AlivePrefix + silo).ConfigureAwait(false);
        if (reply is not { Kind: RespKind.Array, Items: [var version, var row, var alive] })
        {
            throw Strange(reply);
        }

        var read = ReadVersion(version);
        return row.Kind == RespKind.Text ? new MembershipTableData(ReadRow(silo, row.Text, alive), read) : new MembershipTableData(read);
    }

    /// <inheritdoc/>
    public async Task<MembershipTableData> ReadAll()
    {
        var reply = await RunAsync("HGETALL", _key).ConfigureAwait(false);
        if (reply.Kind != RespKind.Array || reply.Items.Count % 2 != 0)
        {
            throw Strange(reply);
        }

        var fields = new Dictionary<string, RespValue>(StringComparer.Ordinal);
        for (var i = 0; i < reply.Items.Count; i += 2)
        {
            fields[reply.Items[i].Text] = reply.Items[i + 1];
        }

        var rows = new List<Tuple<MembershipEntry, string>>();
        foreach (var (field, value) in fields)
        {
            if (field.StartsWith(RowPrefix, StringComparison.Ordinal))
            {
                var silo = field[RowPrefix.Length..];
                rows.Add(ReadRow(silo, value.Text, fields.GetValueOrDefault(AlivePrefix + silo, RespValue.Null)));
            }
        }

        return new MembershipTableData(rows, ReadVersion(fields.GetValueOrDefault(VersionField, RespValue.Null)));
    }

    /// <inheritdoc/>
    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => WriteAsync(entry, "", tableVersion);

    /// <inheritdoc/>
    public async Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        etag.Length > 0 && await WriteAsync(entry, etag, tableVersion).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task UpdateIAmAlive(MembershipEntry entry)
    {
        var reply = await RunAsync(
            "EVAL", AliveScript, "1", _key, entry.SiloAddress.ToParsableString(), RowText.WriteTime(entry.IAmAliveTime)).ConfigureAwait(false);
        if (reply.Integer != 1)
        {
            throw new MembershipTableException($"The membership table has no row for {entry.SiloAddress}: it was lost or cleaned up.");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static Tuple<MembershipEntry, string> ReadRow(string silo, string text, RespValue alive)
    {
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        var entry = RowText.Read(silo, space < 0 ? "" : text[(space + 1)..]);
        if (alive.Kind == RespKind.Text && RowText.ReadTime(silo, alive.Text) is var sign && sign > entry.IAmAliveTime)
        {
            entry.IAmAliveTime = sign;
        }

        return Tuple.Create(entry, text[..space]);
    }

    private TableVersion ReadVersion(RespValue value)
    {
        if (value.Kind == RespKind.Null)
        {
            return RowText.EmptyVersion;
        }

        var text = value.Text;
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && int.TryParse(text.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new TableVersion(number, text[(space + 1)..])
            : throw Strange(value);
    }

    private async Task<bool> WriteAsync(MembershipEntry entry, string rowETag, TableVersion version)
    {
        var reply = await RunAsync(
            "EVAL",
            WriteScript,
            "1",
            _key,
            version.VersionEtag,
            version.Version.ToString(CultureInfo.InvariantCulture),
            RowText.NewETag(),
            entry.SiloAddress.ToParsableString(),
            rowETag,
            RowText.Write(entry)).ConfigureAwait(false);
        return reply.Integer == 1;
    }

    /// <summary>All our commands may be sent twice: reads, deletions, and writes that know their own ETag.</summary>
    private async Task<RespValue> RunAsync(params string[] command)
    {
        try
        {
            return await _client.ExecuteAsync(isRepeatable: true, command).ConfigureAwait(false);
        }
        catch (RespException e)
        {
            throw new MembershipTableException($"The membership table cannot be used: {e.Message}", e);
        }
    }

    private MembershipTableException Strange(RespValue value) =>
        new($"The key {_key} of Redis at {_client.Address} holds no membership table, but {value}.");
}
