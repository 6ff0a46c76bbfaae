using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace VoiceCluster.Architecture.Tests;

/// <summary>
/// Which types and members of the engine an assembly uses, read from its metadata and its code. What the engine's source
/// generator wrote is left out: with the official packages another generator writes it.
/// </summary>
internal sealed class UsedMembers
{
    private const string Generated = "OrleansGenerated";

    private static readonly Dictionary<int, OpCode> OpCodesByValue = typeof(OpCodes).GetFields()
        .Select(f => f.GetValue(null)).OfType<OpCode>().ToDictionary(o => (int)(ushort)o.Value);

    private readonly HashSet<string> _found = new(StringComparer.Ordinal);
    private readonly HashSet<EntityHandle> _seen = [];
    private readonly PEReader _file;
    private readonly MetadataReader _reader;
    private readonly Func<string, bool> _isEngine;

    private UsedMembers(PEReader file, Func<string, bool> isEngine)
    {
        _file = file;
        _reader = file.GetMetadataReader();
        _isEngine = isEngine;
    }

    /// <summary>What an assembly uses of the assemblies whose names are the engine's.</summary>
    public static IReadOnlySet<string> Of(string assembly, Func<string, bool> isEngine)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        var used = new UsedMembers(file, isEngine);
        used.Read();
        return used._found;
    }

    private void Read()
    {
        foreach (var handle in _reader.TypeDefinitions)
        {
            var type = _reader.GetTypeDefinition(handle);
            if (IsGenerated(type))
            {
                continue;
            }

            Note(type.BaseType);
            Note(type.GetCustomAttributes());
            foreach (var implemented in type.GetInterfaceImplementations())
            {
                Note(_reader.GetInterfaceImplementation(implemented).Interface);
            }

            foreach (var field in type.GetFields())
            {
                NoteSignature(_reader.GetFieldDefinition(field).Signature);
                Note(_reader.GetFieldDefinition(field).GetCustomAttributes());
            }

            foreach (var property in type.GetProperties())
            {
                Note(_reader.GetPropertyDefinition(property).GetCustomAttributes());
            }

            foreach (var method in type.GetMethods())
            {
                ReadMethod(_reader.GetMethodDefinition(method));
            }
        }
    }

    private bool IsGenerated(TypeDefinition type)
    {
        while (type.GetDeclaringType() is { IsNil: false } outer)
        {
            type = _reader.GetTypeDefinition(outer);
        }

        return _reader.GetString(type.Namespace).StartsWith(Generated, StringComparison.Ordinal);
    }

    private void ReadMethod(MethodDefinition method)
    {
        NoteSignature(method.Signature);
        Note(method.GetCustomAttributes());
        foreach (var parameter in method.GetParameters())
        {
            Note(_reader.GetParameter(parameter).GetCustomAttributes());
        }

        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        var body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            NoteSignature(_reader.GetStandaloneSignature(body.LocalSignature).Signature);
        }

        foreach (var region in body.ExceptionRegions)
        {
            Note(region.CatchType);
        }

        ReadCode(body.GetILReader());
    }

    private void ReadCode(BlobReader code)
    {
        while (code.RemainingBytes > 0)
        {
            var first = code.ReadByte();
            var opCode = OpCodesByValue[first == 0xFE ? 0xFE00 | code.ReadByte() : first];
            switch (opCode.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    Note(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    var targets = code.ReadInt32();
                    code.Offset += targets * sizeof(int);
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    code.Offset += sizeof(long);
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    code.Offset += sizeof(byte);
                    break;
                case OperandType.InlineVar:
                    code.Offset += sizeof(short);
                    break;
                case OperandType.InlineNone:
                    break;
                default:
                    code.Offset += sizeof(int);
                    break;
            }
        }
    }

    private void Note(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes)
        {
            Note(_reader.GetCustomAttribute(attribute).Constructor);
        }
    }

    private void Note(EntityHandle handle)
    {
        if (handle.IsNil || !_seen.Add(handle))
        {
            return;
        }

        switch (handle.Kind)
        {
            case HandleKind.TypeReference:
                NoteType((TypeReferenceHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                Note(TypesInSignature.OfType(_reader, _reader.GetTypeSpecification((TypeSpecificationHandle)handle).Signature));
                break;
            case HandleKind.MethodSpecification:
                var specification = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                NoteSignature(specification.Signature);
                Note(specification.Method);
                break;
            case HandleKind.MemberReference:
                NoteMember(_reader.GetMemberReference((MemberReferenceHandle)handle));
                break;
        }
    }

    private void NoteMember(MemberReference member)
    {
        Note(member.Parent);
        NoteSignature(member.Signature);
        if (member.Parent.Kind is not (HandleKind.TypeReference or HandleKind.TypeSpecification) || TypeOf(member.Parent) is not { } type || !IsEngine(type))
        {
            return;
        }

        var owner = TypeNames.Instance.GetTypeFromReference(_reader, type, 0);
        var name = _reader.GetString(member.Name);
        if (member.GetKind() == MemberReferenceKind.Field)
        {
            _found.Add($"{owner}.{name}: {member.DecodeFieldSignature(TypeNames.Instance, null)}");
            return;
        }

        var signature = member.DecodeMethodSignature(TypeNames.Instance, null);
        var generics = signature.GenericParameterCount == 0 ? "" : $"<{string.Join(", ", Enumerable.Range(0, signature.GenericParameterCount).Select(i => $"TMethod{i}"))}>";
        _found.Add(name switch
        {
            ".ctor" => $"{owner}({string.Join(", ", signature.ParameterTypes)})",
            _ when name.StartsWith("get_", StringComparison.Ordinal) => $"{owner}.{name[4..]} {{ get; }}: {signature.ReturnType}",
            _ when name.StartsWith("set_", StringComparison.Ordinal) => $"{owner}.{name[4..]} {{ set; }}: {signature.ParameterTypes[^1]}",
            _ => $"{owner}.{name}{generics}({string.Join(", ", signature.ParameterTypes)}): {signature.ReturnType}",
        });
    }

    /// <summary>The type without its arguments.</summary>
    private TypeReferenceHandle? TypeOf(EntityHandle parent)
    {
        if (parent.Kind == HandleKind.TypeReference)
        {
            return (TypeReferenceHandle)parent;
        }

        var blob = _reader.GetBlobReader(_reader.GetTypeSpecification((TypeSpecificationHandle)parent).Signature);
        if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
        {
            return null;
        }

        blob.ReadCompressedInteger();
        return blob.ReadTypeHandle() is { Kind: HandleKind.TypeReference } type ? (TypeReferenceHandle)type : null;
    }

    private void NoteType(TypeReferenceHandle handle)
    {
        if (IsEngine(handle))
        {
            _found.Add(TypeNames.Instance.GetTypeFromReference(_reader, handle, 0));
        }
    }

    private bool IsEngine(TypeReferenceHandle handle)
    {
        var scope = _reader.GetTypeReference(handle).ResolutionScope;
        return scope.Kind switch
        {
            HandleKind.TypeReference => IsEngine((TypeReferenceHandle)scope),
            HandleKind.AssemblyReference => _isEngine(_reader.GetString(_reader.GetAssemblyReference((AssemblyReferenceHandle)scope).Name)),
            _ => false,
        };
    }

    private void NoteSignature(BlobHandle signature) => Note(TypesInSignature.Of(_reader, signature));

    private void Note(IReadOnlyList<TypeReferenceHandle> types)
    {
        foreach (var type in types)
        {
            NoteType(type);
        }
    }
}
