// The protobuf wire format (https://protobuf.dev/programming-guides/encoding), as far as SentencePiece's models need it.

/** One field of a message; a number for varints and 32-bit floats, bytes for text, bytes and messages. */
export type Field = { number: number; value: number | Uint8Array };

/** @throws RangeError where the bytes are no message. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const skip = (bytes: number): number => {
    const start = at;
    at += bytes;
    if (at > message.length) throw new RangeError(`a field of ${bytes} bytes ends behind the message`);
    return start;
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (number === 0) throw new RangeError("a field has number 0");
    if (type === 0) yield { number, value: varint() };
    else if (type === 1) yield { number, value: view.getFloat64(skip(8), true) };
    else if (type === 5) yield { number, value: view.getFloat32(skip(4), true) };
    else if (type === 2) {
      const length = varint();
      yield { number, value: message.subarray(skip(length), at) };
    } else throw new RangeError(`a field has wire type ${type}`);
  }
}
