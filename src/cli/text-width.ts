const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const invisible = /\p{Mark}|\u200b|\u200d|\ufe0f/u;

/** Terminal columns that a text takes: two for a Chinese character, full-width sign or emoji, one for a letter. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (!invisible.test(character)) width += wide.test(character) ? 2 : 1;
  }
  return width;
}

/** `text` filled with spaces to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}
