// The plugin as the framework sees it: the provider "hearth", the shape of its settings, and which
// command runs at which of the framework's events. What a command does is in lib/, a file each.
'use strict';

const fs = require('fs');
const path = require('path');

const { Api } = require('./lib/api');
const { hideApiKey, literalKeyWarning } = require('./lib/api_key');
const { connectionOf } = require('./lib/connection');
const { deployFunction, deployService, keepPackages } = require('./lib/deploy');
const { HearthError } = require('./lib/hearth_error');
const { info } = require('./lib/info');
const { invoke } = require('./lib/invoke');
const { logs } = require('./lib/logs');
const { metrics } = require('./lib/metrics');
const { remove } = require('./lib/remove');
const { kProviderName, schemaParts } = require('./lib/schema');

class ServerlessHearth {
  static getProviderName() {
    return kProviderName;
  }

  constructor(serverless, options, { log, progress, writeText }) {
    this.serverless = serverless;
    this.provider = kProviderName;
    this.context = { serverless, options, log, progress, writeText };
    serverless.setProvider(kProviderName, this);
    serverless.configSchemaHandler.defineProvider(kProviderName, schemaParts());
    this.makeMistakesErrors();
    this.hooks = {
      'before:print:print': () => hideApiKey(serverless.configurationInput),
      'package:finalize': this.hook(keepPackages),
      'deploy:deploy': this.hook(deployService),
      'deploy:function:packageFunction': () => this.packageFunction(),
      'deploy:function:deploy': this.hook(deployFunction),
      'info:info': this.hook(info),
      'invoke:invoke': this.hook(invoke),
      'logs:logs': this.hook(logs),
      'metrics:metrics': this.hook(metrics),
      'remove:remove': this.hook(remove),
    };
  }

  // Framework 3 only warns of a setting that the schema refuses, unless the service says otherwise; the
  // function would then run with another setting than its author reads in the file.
  makeMistakesErrors() {
    const configuration = this.serverless.configurationInput;
    if (this.serverless.service.provider.name === kProviderName && configuration.configValidationMode === undefined) {
      configuration.configValidationMode = 'error';
    }
  }

  packageFunction() {
    return this.serverless.processedInput.options['update-config'] ? undefined : this.serverless.pluginManager.spawn('package:function');
  }

  // Once, though a command may run several hooks.
  warnOfLiteralKey() {
    const { configurationFilename, serviceDir, service } = this.serverless;
    if (this.hasLookedForKey || !service.provider.apiKey || !configurationFilename) {
      return;
    }
    this.hasLookedForKey = true;
    const warning = literalKeyWarning(service.provider, fs.readFileSync(path.resolve(serviceDir, configurationFilename), 'utf8'));
    if (warning) {
      this.context.log.warning(warning);
    }
  }

  // The options and the settings are whole only when a command runs, not yet in the constructor.
  hook(command) {
    return async () => {
      try {
        this.warnOfLiteralKey();
        const connection = connectionOf(this.serverless.service.provider, process.env);
        await command({ ...this.context, options: this.serverless.processedInput.options, api: new Api(connection) });
      } catch (error) {
        if (!(error instanceof HearthError)) {
          throw error;
        }
        throw new this.serverless.classes.Error(error.message, error.code);
      }
    };
  }
}

module.exports = ServerlessHearth;
