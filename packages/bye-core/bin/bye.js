#!/usr/bin/env node
// Stands in the repository, as npm links a command only if its file is there when it installs.
require('../dist/cli.js');
