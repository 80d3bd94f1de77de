/** bye-core: stop or replace a Node server while people use it. */

export { systemdPorts, systemdTcpListener } from './api/activation.js';
export type { AppBinding, BoundApp } from './api/app-binding.js';
export { Bye } from './api/bye.js';
export { processBye, ready } from './api/process-bye.js';
export type { ByeEvents } from './diagnostics.js';
export { ByeError, type ByeErrorCode, type ByeErrorData } from './errors.js';
export type { Farewell, GoodbyeHook } from './goodbye.js';
export type { HealthAnswer } from './health.js';
export type { Hook } from './hooks.js';
export type { HealthCheck, HealthOptions } from './options/health.js';
export type { StateHandlers, StateVersion } from './options/state.js';
export type { ByeOptions, SuccessorOptions } from './options/types.js';
export { type ValueStateHandlers, valueState } from './state/value-state.js';
export type { Phase, Reason, Status } from './status.js';
export type { CutWork, DrainReport, HealthReport, LastUpgrade, Logger, ServerRole } from './types.js';
export type { UpgradeResult, UpgradeVerdict } from './upgrade/upgrader.js';
