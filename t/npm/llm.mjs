// SPDX-License-Identifier: BSD-2-Clause
//
// The clients that OpenAI, Anthropic and AWS publish for node, all with
// another base URL and nothing else.
//
//     llm.mjs GATEWAY KEY
//
// Prints "ok - NAME" or "not ok - NAME: why" for each call, and "done".

import assert from 'node:assert';

import { Anthropic } from '@anthropic-ai/sdk';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import {
    BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand,
    InvokeModelCommand, InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { OpenAI } from 'openai';

const [gateway, apiKey] = process.argv.slice(2);

const TEXT = 'Good day to you';
const VECTOR = [0.5, -1, 0.25, 1.5];
const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:'
    + 'application-inference-profile/abc123';

const openai = new OpenAI({ baseURL: `${gateway}/v1`, apiKey });
const anthropic = new Anthropic({ baseURL: gateway, apiKey });

const anthropicBedrock = new AnthropicBedrock({
    baseURL: gateway, awsRegion: 'us-east-1', apiKey,
});

// its own handler would speak HTTP/2 without asking
const bedrock = new BedrockRuntimeClient({
    region: 'us-east-1', endpoint: gateway, token: { token: apiKey },
    authSchemePreference: ['httpBearerAuth'],
    requestHandler: new NodeHttpHandler(),
});

const hello = [{ role: 'user', content: 'Hello' }];
const blocks = [{ role: 'user', content: [{ text: 'Hello' }] }];
const ask = (model, more) => ({ model, messages: hello, ...more });
const prompt = (model, more) => ({ ...ask(model, more), max_tokens: 64 });

const parameters = {
    type: 'object', properties: { city: { type: 'string' } },
    required: [],
};
const openaiTools = [{
    type: 'function', function: { name: 'get_weather', parameters },
}];
const anthropicTools = [{ name: 'get_weather', input_schema: parameters }];

const steps = {};


// what a call throws: its class, status, and code or type

async function thrown(call, Class, status, code) {
    let error;

    try {
        await call();
    } catch (caught) {
        error = caught;
    }

    assert(error !== undefined, 'nothing was thrown');
    assert.strictEqual(error.constructor.name, Class.name, String(error));
    assert.strictEqual(error.status, status);
    assert.strictEqual(error.code ?? error.error?.error?.type ?? null, code);

    return error;
}


async function all(stream) {
    const list = [];

    for await (const item of stream) {
        list.push(item);
    }

    return list;
}


// OpenAI

for (const model of ['gpt', 'mantle', 'local', 'keyed']) {
    steps[`OpenAI, ${model}: chat`] = async () => {
        const answer = await openai.chat.completions.create(ask(model));

        assert.strictEqual(answer.choices[0].message.content, TEXT);
        assert.strictEqual(answer.choices[0].finish_reason, 'stop');
        assert.strictEqual(answer.usage.total_tokens, 15);
    };

    steps[`OpenAI, ${model}: a stream`] = async () => {
        const chunks = await all(await openai.chat.completions.create(
            ask(model, { stream: true,
                         stream_options: { include_usage: true } })));
        const text = chunks.map(
            (chunk) => chunk.choices[0]?.delta.content ?? '').join('');

        assert.strictEqual(text, TEXT);
        assert.strictEqual(chunks.at(-1).usage.completion_tokens, 4);
    };

    steps[`OpenAI, ${model}: a stream without usage`] = async () => {
        const chunks = await all(await openai.chat.completions.create(
            ask(model, { stream: true })));

        assert(chunks.every((chunk) => !('usage' in chunk)));
    };
}

steps['OpenAI: a tool is called, and its result is told'] = async () => {
    const first = await openai.chat.completions.create(
        ask('gpt', { tools: openaiTools, tool_choice: 'auto' }));
    const { message, finish_reason: reason } = first.choices[0];

    assert.strictEqual(reason, 'tool_calls');
    assert.strictEqual(message.tool_calls[0].function.name, 'get_weather');
    assert.deepStrictEqual(
        JSON.parse(message.tool_calls[0].function.arguments),
        { city: 'Paris' });

    const second = await openai.chat.completions.create({
        model: 'gpt', tools: openaiTools,
        messages: [...hello, message, {
            role: 'tool', tool_call_id: message.tool_calls[0].id,
            content: 'rain' }],
    });

    assert.strictEqual(second.choices[0].message.content, TEXT);
};

steps['OpenAI: the stream helper and a tool'] = async () => {
    const stream = openai.chat.completions.stream(
        ask('mantle', { tools: openaiTools }));
    const { choices } = await stream.finalChatCompletion();

    assert.strictEqual(choices[0].message.tool_calls[0].function.arguments,
                       '{"city":"Paris"}');
};

steps['OpenAI: an image'] = async () => {
    const url = 'data:image/png;base64,'
        + Buffer.alloc(3000000, 7).toString('base64');
    const answer = await openai.chat.completions.create({
        model: 'gpt', messages: [{ role: 'user', content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url } }] }],
    });

    assert.strictEqual(answer.usage.prompt_tokens, 111);
};

for (const encoding of [undefined, 'float', 'base64']) {
    steps[`OpenAI: embeddings, ${encoding ?? 'as it likes'}`] = async () => {
        const answer = await openai.embeddings.create({
            model: 'local', input: ['a', 'b'], encoding_format: encoding });

        assert.strictEqual(answer.data.length, 2);
        assert.deepStrictEqual(answer.data[1].embedding,
            encoding === 'base64' ? 'AAAAPwAAgL8AAIA+AADAPw==' : VECTOR);
    };
}

for (const model of ['gpt', 'mantle', 'local']) {
    steps[`OpenAI, ${model}: responses`] = async () => {
        const answer = await openai.responses.create({
            model, input: 'Hello' });

        assert.strictEqual(answer.output_text, TEXT);
        assert.strictEqual(answer.usage.total_tokens, 15);
    };

    steps[`OpenAI, ${model}: a stream of responses`] = async () => {
        const events = await all(await openai.responses.create({
            model, input: 'Hello', stream: true }));
        const text = events.filter(
            (event) => event.type === 'response.output_text.delta').map(
            (event) => event.delta).join('');

        assert.strictEqual(text, TEXT);
        assert.strictEqual(events.at(-1).type, 'response.completed');
    };
}

steps['OpenAI: responses, a tool'] = async () => {
    const answer = await openai.responses.create({
        model: 'gpt', input: 'Hello',
        tools: [{ type: 'function', name: 'get_weather', parameters,
                  strict: false }] });

    assert.strictEqual(answer.output[0].type, 'function_call');
    assert.strictEqual(answer.output[0].arguments, '{"city":"Paris"}');
};

steps['OpenAI: the list of models'] = async () => {
    const ids = (await all(openai.models.list())).map((model) => model.id);

    assert(ids.includes('gpt') && ids.includes('org/model:1'),
           ids.join(' '));
};

for (const name of ['gpt', 'org/model:1']) {
    steps[`OpenAI: the model ${name}`] = async () => {
        const model = await openai.models.retrieve(name);

        assert.strictEqual(model.id, name);
        assert.strictEqual(model.object, 'model');
    };
}

const openaiErrors = {
    'an unknown model': ['nowhere', OpenAI.NotFoundError, 404,
                         'model_not_found'],
    'a model of the other dialect': ['claude', OpenAI.NotFoundError, 404,
                                     'model_not_found'],
    'no model': [undefined, OpenAI.BadRequestError, 400, 'missing_model'],
    'a model that is no text': [7, OpenAI.BadRequestError, 400,
                                'invalid_model'],
    'a model that is not for this key': [
        'secret', OpenAI.PermissionDeniedError, 403, 'model_not_allowed'],
    'what Bedrock calls invalid': ['e-validation', OpenAI.BadRequestError,
                                   400, null],
    'a model that is no more': ['e-gone', OpenAI.NotFoundError, 404,
                                'model_not_found'],
    'access that was not given': ['e-denied', OpenAI.PermissionDeniedError,
                                  403, 'model_access_denied'],
    'throttling': ['e-throttled', OpenAI.RateLimitError, 429,
                   'rate_limit_exceeded'],
    'a quota': ['e-quota', OpenAI.RateLimitError, 429, 'insufficient_quota'],
    'a gateway whose credentials are wrong': [
        'e-auth', OpenAI.InternalServerError, 502, 'upstream_auth_failed'],
    'a model that is not ready': ['e-notready', OpenAI.InternalServerError,
                                  503, 'model_not_ready'],
    'a model that fails': ['e-model', OpenAI.InternalServerError, 502,
                           'model_error'],
    'nobody there': ['e-refused', OpenAI.InternalServerError, 502,
                     'upstream_unreachable'],
};

for (const [name, [model, ...expected]] of Object.entries(openaiErrors)) {
    steps[`OpenAI: ${name}`] = () => thrown(
        () => openai.chat.completions.create(ask(model)), ...expected);
}

steps['OpenAI: an unknown key'] = () => thrown(
    () => new OpenAI({ baseURL: `${gateway}/v1`, apiKey: 'sk-client-other' })
        .chat.completions.create(ask('gpt')),
    OpenAI.AuthenticationError, 401, 'invalid_api_key');

steps['OpenAI: an unknown model to retrieve'] = () => thrown(
    () => openai.models.retrieve('no/where'), OpenAI.NotFoundError, 404,
    'model_not_found');

steps['OpenAI: an error in a stream is thrown'] = async () => {
    const stream = await openai.chat.completions.create(
        ask('s-exception', { stream: true }));

    await assert.rejects(all(stream), OpenAI.APIError);
};

steps['OpenAI: a stream that is cut is thrown'] = async () => {
    const stream = await openai.chat.completions.create(
        ask('s-cut', { stream: true }));

    await assert.rejects(all(stream));
};

steps['OpenAI: a second try of the client'] = async () => {
    const answer = await openai.chat.completions.create(ask('once'));

    assert.strictEqual(answer.choices[0].message.content, TEXT);
};

steps['OpenAI: the next target, without a try of the client'] = async () => {
    const answer = await new OpenAI({
        baseURL: `${gateway}/v1`, apiKey, maxRetries: 0,
    }).chat.completions.create(ask('two'));

    assert.strictEqual(answer.choices[0].message.content, TEXT);
};


// Anthropic

for (const model of ['claude', 'claude-native', 'claude-mantle', 'local']) {
    steps[`Anthropic, ${model}: a message`] = async () => {
        const message = await anthropic.messages.create(prompt(model));

        assert.strictEqual(message.content[0].text, TEXT);
        assert.strictEqual(message.stop_reason, 'end_turn');
        assert.strictEqual(message.usage.cache_read_input_tokens, 3);
    };

    steps[`Anthropic, ${model}: a stream`] = async () => {
        const stream = anthropic.messages.stream(prompt(model));
        const message = await stream.finalMessage();

        assert.strictEqual(message.content[0].text, TEXT);
        assert.strictEqual(message.usage.output_tokens, 4);
    };

    steps[`Anthropic, ${model}: a tool in a stream`] = async () => {
        const message = await anthropic.messages.stream(
            prompt(model, { tools: anthropicTools })).finalMessage();

        assert.strictEqual(message.stop_reason, 'tool_use');
        assert.deepStrictEqual(message.content[0].input, { city: 'Paris' });
    };
}

steps['Anthropic: a tool is called, and its result is told'] = async () => {
    const tools = anthropicTools;
    const first = await anthropic.messages.create(prompt('claude', { tools }));
    const call = first.content[0];

    assert.strictEqual(call.type, 'tool_use');

    const second = await anthropic.messages.create({
        model: 'claude', max_tokens: 64, tools,
        messages: [...hello, { role: 'assistant', content: first.content }, {
            role: 'user', content: [{ type: 'tool_result',
                                      tool_use_id: call.id,
                                      content: 'rain' }] }],
    });

    assert.strictEqual(second.content[0].text, TEXT);
};

steps['Anthropic: betas'] = async () => {
    const message = await anthropic.beta.messages.create(
        prompt('claude', { betas: ['allowed-2025-01-01', 'other-1'] }));

    assert.strictEqual(message.content[0].text, TEXT);
};

steps['Anthropic: the list of models'] = async () => {
    const ids = (await all(anthropic.models.list())).map(({ id }) => id);

    assert(ids.includes('claude'), ids.join(' '));
};

steps['Anthropic: tokens are not counted'] = () => thrown(
    () => anthropic.messages.countTokens(ask('claude')),
    Anthropic.NotFoundError, 404, 'not_found_error');

const anthropicErrors = {
    'an unknown model': ['nowhere', Anthropic.NotFoundError, 404,
                         'not_found_error'],
    'a model that is not for this key': [
        'secret', Anthropic.PermissionDeniedError, 403, 'permission_error'],
    'what Bedrock calls invalid': ['a-validation', Anthropic.BadRequestError,
                                   400, 'invalid_request_error'],
    'throttling': ['a-throttled', Anthropic.RateLimitError, 429,
                   'rate_limit_error'],
    'a gateway whose credentials are wrong': [
        'a-auth', Anthropic.InternalServerError, 502, 'api_error'],
};

for (const [name, [model, ...expected]] of Object.entries(anthropicErrors)) {
    steps[`Anthropic: ${name}`] = () => thrown(
        () => anthropic.messages.create(prompt(model)), ...expected);
}

steps['Anthropic: an unknown key'] = () => thrown(
    () => new Anthropic({ baseURL: gateway, apiKey: 'sk-client-other' })
        .messages.create(prompt('claude')),
    Anthropic.AuthenticationError, 401, 'authentication_error');

steps['Anthropic: an error in a stream is thrown'] = async () => {
    const stream = await anthropic.messages.create(
        prompt('as-exception', { stream: true }));

    await assert.rejects(all(stream), Anthropic.APIError);
};

steps['Anthropic: a stream that is cut is thrown'] = async () => {
    const stream = await anthropic.messages.create(
        prompt('as-cut', { stream: true }));

    await assert.rejects(all(stream));
};


// Anthropic for Bedrock, and AWS

steps['Anthropic for Bedrock: a message'] = async () => {
    const message = await anthropicBedrock.messages.create(
        prompt('anthropic.claude-x-v1:0'));

    assert.strictEqual(message.content[0].text, TEXT);
};

steps['Anthropic for Bedrock: a stream'] = async () => {
    const events = await all(await anthropicBedrock.messages.create(
        prompt('anthropic.claude-x-v1:0', { stream: true })));
    const text = events.map((event) => event.delta?.text ?? '').join('');

    assert.strictEqual(text, TEXT);
};

for (const modelId of ['amazon.nova-lite-v1:0', PROFILE, 'nova']) {
    const name = modelId === PROFILE ? 'a profile' : modelId;

    steps[`AWS, ${name}: Converse`] = async () => {
        const answer = await bedrock.send(new ConverseCommand({
            modelId, messages: blocks }));

        assert.strictEqual(answer.output.message.content[0].text, TEXT);
        assert.strictEqual(answer.usage.cacheReadInputTokens, 3);
    };

    steps[`AWS, ${name}: ConverseStream`] = async () => {
        const { stream } = await bedrock.send(new ConverseStreamCommand({
            modelId, messages: blocks }));
        const events = await all(stream);
        const text = events.map(
            (event) => event.contentBlockDelta?.delta.text ?? '').join('');

        assert.strictEqual(text, TEXT);
        assert.strictEqual(events.at(-1).metadata.usage.outputTokens, 4);
    };
}

steps['AWS: a tool'] = async () => {
    const answer = await bedrock.send(new ConverseCommand({
        modelId: 'amazon.nova-lite-v1:0', messages: blocks,
        toolConfig: { tools: [{ toolSpec: {
            name: 'get_weather', inputSchema: { json: parameters } } }] } }));

    assert.deepStrictEqual(answer.output.message.content[0].toolUse.input,
                           { city: 'Paris' });
};

const body = JSON.stringify({
    anthropic_version: 'bedrock-2023-05-31', max_tokens: 64, messages: hello,
});

steps['AWS: InvokeModel'] = async () => {
    const answer = await bedrock.send(new InvokeModelCommand({
        modelId: PROFILE, body, contentType: 'application/json' }));

    assert.strictEqual(
        JSON.parse(answer.body.transformToString()).content[0].text, TEXT);
};

steps['AWS: InvokeModelWithResponseStream'] = async () => {
    const answer = await bedrock.send(
        new InvokeModelWithResponseStreamCommand({
            modelId: PROFILE, body, contentType: 'application/json' }));
    const events = (await all(answer.body)).map(
        ({ chunk }) => JSON.parse(new TextDecoder().decode(chunk.bytes)));

    assert.strictEqual(events.at(-1).type, 'message_stop');
};

const awsErrors = {
    'mock-error-validation': 'ValidationException',
    'mock-error-throttling': 'ThrottlingException',
    'mock-error-accessdenied': 'AccessDeniedException',
    'mock-error-resourcenotfound': 'ResourceNotFoundException',
};

for (const [modelId, name] of Object.entries(awsErrors)) {
    steps[`AWS: ${name}`] = () => assert.rejects(
        bedrock.send(new ConverseCommand({ modelId, messages: blocks })),
        { name });
}

steps['AWS: an exception in a stream is thrown'] = async () => {
    const { stream } = await bedrock.send(new ConverseStreamCommand({
        modelId: 'mock-exception', messages: blocks }));

    await assert.rejects(all(stream), { name: 'ThrottlingException' });
};


// several at once, since clients wait before they try again

const only = process.env.LLM_ONLY;
const left = Object.entries(steps).filter(
    ([name]) => only === undefined || name.includes(only));

async function worker() {
    while (left.length > 0) {
        const [name, step] = left.shift();

        try {
            await step();
            console.log(`ok - ${name}`);
        } catch (error) {
            console.log(`not ok - ${name}: ${error}`.replaceAll('\n', ' '));
        }
    }
}

await Promise.all(Array.from({ length: 6 }, worker));
console.log('done');

// a stream that was left at its error may still hold its connection
process.exit();
