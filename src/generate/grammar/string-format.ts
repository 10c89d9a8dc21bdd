/** Regular expressions for the formats that are enforced; others are notes to the reader, as JSON Schema has it. */
const month = "(0[1-9]|1[0-2])";
const date = `[12]\\d{3}-${month}-(0[1-9]|1\\d|2[0-8])`;
const time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
const label = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?";
const byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

export const formatPatterns: { [format: string]: string } = {
  date: `^${date}$`,
  time: `^${time}$`,
  "date-time": `^${date}T${time}$`,
  duration: "^P(\\d{1,4}D|\\d{1,4}W|(\\d{1,4}D)?T\\d{1,4}[HMS])$",
  email: `^[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,16})?@${label}(\\.${label})?\\.[a-z]{2,6}$`,
  hostname: `^${label}(\\.${label}){0,3}$`,
  ipv4: `^${byte}(\\.${byte}){3}$`,
  ipv6: "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
  uuid: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
  uri: `^https?://${label}(\\.${label}){0,2}(:[1-9]\\d{0,3})?(/[A-Za-z0-9_.~-]{0,32}){0,6}(\\?[A-Za-z0-9_=&.-]{1,64})?$`,
};
/** All of those are shorter. */
export const longestFormat = 400;
