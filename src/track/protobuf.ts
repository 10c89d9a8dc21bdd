// The protobuf wire format (https://protobuf.dev/programming-guides/encoding), as far as the trackers' files need it.

/** One encoded field; fields side by side are a message. */
export type Encoded = Buffer;

/** int64, int32, enum and bool. */
export function integer(field: number, value: number): Encoded {
  return Buffer.concat([tag(field, 0), varint(value)]);
}

export function double(field: number, value: number): Encoded {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, 1), bytes]);
}

export function text(field: number, value: string): Encoded {
  return delimited(field, Buffer.from(value));
}

export function message(field: number, ...fields: Encoded[]): Encoded {
  return delimited(field, Buffer.concat(fields));
}

/** google.protobuf.Timestamp */
export function timestamp(field: number, milliseconds: number): Encoded {
  const seconds = Math.floor(milliseconds / 1000);
  return message(field, integer(1, seconds), integer(2, Math.round((milliseconds - seconds * 1000) * 1e6)));
}

function delimited(field: number, bytes: Buffer): Encoded {
  return Buffer.concat([tag(field, 2), varint(bytes.length), bytes]);
}

function tag(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType);
}

/** Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
