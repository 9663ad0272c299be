// What the page /check says of a way through the relay.

/** Loss and delay of each way, as measured. */
export const MEASURED = /Connected in \d+ ms; of 100 packets \d+ were lost; there and back \d+ ms, at worst \d+ ms/;
