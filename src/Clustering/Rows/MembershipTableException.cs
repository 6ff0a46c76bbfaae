namespace VoiceCluster.Clustering.Rows;

/// <summary>The table's server is away, refused, or holds what nobody can read. Whether a change was made is not known.</summary>
public sealed class MembershipTableException(string message, Exception? inner = null) : OrleansException(message, inner);
