using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>Base of the runtime's exceptions.</summary>
    public class OrleansException : Exception
    {
        /// <summary>Without a message.</summary>
        public OrleansException()
            : base("Unexpected error.")
        {
        }

        /// <summary>With a message.</summary>
        public OrleansException(string message)
            : base(message)
        {
        }

        /// <summary>With a message and a cause.</summary>
        public OrleansException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The silo that had to answer is gone or going.</summary>
    public class SiloUnavailableException : OrleansException
    {
        /// <summary>Without a message.</summary>
        public SiloUnavailableException()
            : base("SiloUnavailableException")
        {
        }

        /// <summary>With a message.</summary>
        public SiloUnavailableException(string message)
            : base(message)
        {
        }

        /// <summary>With a message and a cause.</summary>
        public SiloUnavailableException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The message was refused by its receiver.</summary>
    public class OrleansMessageRejectionException : OrleansException
    {
        /// <summary>With a message.</summary>
        public OrleansMessageRejectionException(string message)
            : base(message)
        {
        }

        /// <summary>With a message and a cause.</summary>
        public OrleansMessageRejectionException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The other side does not keep up with what it is sent.</summary>
    public class GatewayTooBusyException : OrleansException
    {
        /// <summary>With a message.</summary>
        public GatewayTooBusyException(string message)
            : base(message)
        {
        }

        /// <summary>With a message and a cause.</summary>
        public GatewayTooBusyException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }

    /// <summary>A grain has more requests than it may keep waiting.</summary>
    public class LimitExceededException : OrleansException
    {
        /// <summary>With a message.</summary>
        public LimitExceededException(string message)
            : base(message)
        {
        }

        /// <summary>With a message and a cause.</summary>
        public LimitExceededException(string message, Exception? innerException)
            : base(message, innerException)
        {
        }
    }

    /// <summary>The receiving client or object does not exist.</summary>
    public class ClientNotAvailableException : OrleansException
    {
        /// <summary>With a message.</summary>
        public ClientNotAvailableException(string message)
            : base(message)
        {
        }
    }

    /// <summary>The configuration is wrong.</summary>
    public class OrleansConfigurationException : Exception
    {
        /// <summary>With a message.</summary>
        public OrleansConfigurationException(string message)
            : base(message)
        {
        }
    }
}

namespace Orleans.Storage
{
    /// <summary>The stored state is not the one that the grain read: somebody else has written it.</summary>
    public class InconsistentStateException : OrleansException
    {
        /// <summary>With both ETags.</summary>
        public InconsistentStateException(string errorMsg, string storedEtag, string currentEtag, Exception? storageException = null)
            : base(errorMsg, storageException)
        {
            StoredEtag = storedEtag;
            CurrentEtag = currentEtag;
        }

        /// <summary>With a message.</summary>
        public InconsistentStateException(string message)
            : base(message)
        {
        }

        /// <summary>The ETag in the store.</summary>
        public string? StoredEtag { get; }

        /// <summary>The ETag that the grain holds.</summary>
        public string? CurrentEtag { get; }
    }

    /// <summary>There is no storage provider of that name.</summary>
    public class BadProviderConfigException(string message) : OrleansException(message);
}
