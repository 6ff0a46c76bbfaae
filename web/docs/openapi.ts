// The parts of OpenAPI 3.1 that the server's document uses.
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
}

export interface Content {
  schema: Schema;
  examples?: Record<string, { summary?: string; value: unknown }>;
}

export interface Parameter {
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  schema: Schema;
  example?: unknown;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Content> };
  responses: Record<string, { description: string; content?: Record<string, Content>; headers?: Record<string, { description?: string }> }>;
}

export interface OpenApi {
  openapi: string;
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

/** The schema itself, where a reference stands for it. */
export function resolve(document: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.split('/').pop();
  return name ? document.components?.schemas?.[name] ?? {} : schema;
}

/** A schema's type in words, such as "list of text (uuid)". */
export function typeOf(document: OpenApi, schema: Schema): string {
  const found = resolve(document, schema);
  const kinds = (Array.isArray(found.type) ? found.type : [found.type ?? 'anything'])
    .map((kind) => (kind === 'array' && found.items ? `list of ${typeOf(document, found.items)}` : Words[kind] ?? kind));
  return kinds.join(' or ') + (found.format ? ` (${found.format})` : '');
}

const Words: Record<string, string> = {
  string: 'text', integer: 'whole number', boolean: 'true or false', null: 'null',
};

/** A request that a shell understands. */
export function curlOf(method: string, path: string, operation: Operation): string {
  const parameters = operation.parameters ?? [];
  let address = path;
  for (const parameter of parameters.filter((p) => p.in === 'path')) {
    address = address.replace(`{${parameter.name}}`, encodeURIComponent(String(parameter.example ?? parameter.name)));
  }
  const query = parameters.filter((p) => p.in === 'query' && p.required)
    .map((p) => `${p.name}=${encodeURIComponent(String(p.example ?? ''))}`).join('&');
  const lines = [`curl -X ${method.toUpperCase()} '${location.origin}${address}${query ? `?${query}` : ''}'`];
  if (operation.security?.some((way) => 'token' in way)) {
    lines.push('-H "Authorization: Bearer $TOKEN"');
  }
  const body = operation.requestBody?.content['application/json'];
  const example = body?.examples && Object.values(body.examples)[0];
  if (example) {
    lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(example.value).replaceAll("'", "'\\''")}'`);
  }
  return lines.join(' \\\n  ');
}
