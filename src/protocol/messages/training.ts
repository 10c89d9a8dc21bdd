export const trainingMessages = {};
