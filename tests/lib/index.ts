// What a system test needs, in one import.

export { type Certificate, makeCertificate } from "./certificates.js";
export { ContractError, checkAck, checkAnswer, checkDefinition, checkEvent } from "./contract.js";
export { makeDatabase, onPostgres, psql } from "./database.js";
export { closeLater } from "./lifetime.js";
export { binary, repository } from "./paths.js";
export { Program } from "./process.js";
export { freePort, type RawAnswer, rawHttp } from "./raw.js";
export { Rest, type RestAnswer } from "./rest.js";
export { Server, type ServerOptions, startServer } from "./server.js";
export { connect, type Heard, open, type Payload, refused, Session, type SessionOptions } from "./session.js";
export { secret, type TokenOptions, token, tokenFromBinary } from "./token.js";
