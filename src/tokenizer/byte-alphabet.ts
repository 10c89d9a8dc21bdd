/** GPT-2's alphabet: printable Latin-1 bytes are themselves, the others are U+0100 and on, in order. By byte. */
export const byteCharacters: readonly string[] = byteAlphabet();

const byteOf = new Map(byteCharacters.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/** The bytes that a piece of a byte-level vocabulary stands for; a piece outside its alphabet stands for itself. */
export function bytesOfPiece(piece: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of piece) {
    const byte = byteOf.get(character);
    if (byte === undefined) return encoder.encode(piece);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Bytes as a byte-level vocabulary spells them. */
export function pieceOfBytes(bytes: Uint8Array): string {
  let piece = "";
  for (const byte of bytes) piece += byteCharacters[byte] ?? "";
  return piece;
}

function byteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : next++);
  });
}
