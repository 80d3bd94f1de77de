/** The version of bye-core, put here by the build. */

declare const BUILD_VERSION: string | undefined;

/** `dev` where the source runs as it is, in tests. */
export const VERSION: string = typeof BUILD_VERSION === 'string' ? BUILD_VERSION : 'dev';
