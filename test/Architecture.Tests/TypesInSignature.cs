using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace VoiceCluster.Architecture.Tests;

/// <summary>Collects the type references of a signature.</summary>
internal sealed class TypesInSignature : ISignatureTypeProvider<bool, object?>
{
    private readonly List<TypeReferenceHandle> _found = [];

    /// <summary>Those of a type specification, which has no header.</summary>
    public static IReadOnlyList<TypeReferenceHandle> OfType(MetadataReader reader, BlobHandle signature)
    {
        var types = new TypesInSignature();
        var blob = reader.GetBlobReader(signature);
        new SignatureDecoder<bool, object?>(types, reader, null).DecodeType(ref blob);
        return types._found;
    }

    /// <summary>Those of every other signature.</summary>
    public static IReadOnlyList<TypeReferenceHandle> Of(MetadataReader reader, BlobHandle signature)
    {
        var types = new TypesInSignature();
        var decoder = new SignatureDecoder<bool, object?>(types, reader, null);
        var blob = reader.GetBlobReader(signature);
        var kind = blob.ReadSignatureHeader().Kind;
        blob.Reset();
        switch (kind)
        {
            case SignatureKind.Field:
                decoder.DecodeFieldSignature(ref blob);
                break;
            case SignatureKind.LocalVariables:
                decoder.DecodeLocalSignature(ref blob);
                break;
            case SignatureKind.MethodSpecification:
                decoder.DecodeMethodSpecificationSignature(ref blob);
                break;
            default:
                decoder.DecodeMethodSignature(ref blob);
                break;
        }

        return types._found;
    }

    public bool GetArrayType(bool elementType, ArrayShape shape) => true;

    public bool GetByReferenceType(bool elementType) => true;

    public bool GetFunctionPointerType(MethodSignature<bool> signature) => true;

    public bool GetGenericInstantiation(bool genericType, ImmutableArray<bool> typeArguments) => true;

    public bool GetGenericMethodParameter(object? genericContext, int index) => true;

    public bool GetGenericTypeParameter(object? genericContext, int index) => true;

    public bool GetModifiedType(bool modifier, bool unmodifiedType, bool isRequired) => true;

    public bool GetPinnedType(bool elementType) => true;

    public bool GetPointerType(bool elementType) => true;

    public bool GetPrimitiveType(PrimitiveTypeCode typeCode) => true;

    public bool GetSZArrayType(bool elementType) => true;

    public bool GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => true;

    public bool GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
    {
        _found.Add(handle);
        return true;
    }

    public bool GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
}
