export const tokenizerMessages = {};
