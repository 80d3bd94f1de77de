/** The public face of the testkit. */
export { AnswerParser, MalformedAnswer } from './answer-parser.js';
export {
  type BodyCheck,
  type CreateBodyCheck,
  exactBody,
  noBody,
  seededBody,
  seededBuffer,
  seededBytes,
} from './body-check.js';
export { nameOf, type Target } from './connect.js';
export type { CloseInfo, PendingRequest, PipelineOptions } from './connection-types.js';
export { cleanEnvironment } from './environment.js';
export type { Answer } from './exchange.js';
export { type FailureClass, type FailureContext, NotSent, StrictFailure } from './failure.js';
export { type Line, LineLog, type WaitForLineOptions } from './line-log.js';
export * from './proc-fs.js';
export { App, type Exit, type Generation, type StartOptions, startApp, TEST_ID_VARIABLE } from './processes.js';
export { digest, PID_HEADER, requests, seededStream, testHandler } from './protocol.js';
export { createRandom, type Random } from './random.js';
export { encodeBody, encodeHead, encodeRequest, type RequestSpec } from './request.js';
export { StrictConnection } from './strict-connection.js';
export type { FailureRecord, TrafficCounts } from './tally.js';
export { startTraffic, type Traffic, type TrafficOptions } from './traffic.js';
export { createMix, type TrafficMix } from './traffic-mix.js';
export { type UntilOptions, until } from './until.js';
