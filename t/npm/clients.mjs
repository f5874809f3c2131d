// SPDX-License-Identifier: BSD-2-Clause
//
// The clients that AWS and Anthropic publish for node, without a valid key.
//
//     clients.mjs S3-ENDPOINT BEDROCK-ENDPOINT
//
// Prints "ok - NAME" or "not ok - NAME: why" for each call, and "done".

import assert from 'node:assert';
import { Readable } from 'node:stream';

import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import {
    BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import {
    GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const [s3Endpoint, bedrockEndpoint] = process.argv.slice(2);

const common = {
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'nothing' },
    maxAttempts: 1,
};

const s3 = new S3Client({
    ...common, endpoint: s3Endpoint, forcePathStyle: true,
});

// its own handler would speak HTTP/2 without asking
const bedrock = new BedrockRuntimeClient({
    ...common, endpoint: bedrockEndpoint,
    requestHandler: new NodeHttpHandler(),
});

const anthropic = new AnthropicBedrock({
    awsRegion: 'us-east-1', baseURL: bedrockEndpoint, skipAuth: true,
    maxRetries: 0,
});

const Key = "odd key+%2F@=:(1)!'*~;é/あ//😀";
const modelId = 'anthropic.claude-3-haiku-20240307-v1:0';
const profile = 'arn:aws:bedrock:us-east-1:123456789012:'
    + 'application-inference-profile/abc123';
const messages = [{ role: 'user', content: [{ text: 'Hello' }] }];
const prompt = {
    model: modelId, max_tokens: 8,
    messages: [{ role: 'user', content: 'Hello' }],
};

const steps = {
    'S3: a buffer': () => s3.send(new PutObjectCommand({
        Bucket: 'bucket', Key, Body: Buffer.alloc(100000, 'b') })),

    // the client's own checksum follows the body, which is not signed
    'S3: a stream': () => s3.send(new PutObjectCommand({
        Bucket: 'bucket', Key: 'stream', ContentLength: 300000,
        Body: Readable.from(Array(3).fill(Buffer.alloc(100000, 's'))) })),

    'S3: HEAD': () => s3.send(new HeadObjectCommand({
        Bucket: 'bucket', Key })),

    'S3: GET': async () => {
        const { Body } = await s3.send(new GetObjectCommand({
            Bucket: 'bucket', Key }));
        const report = JSON.parse(await Body.transformToString());
        assert.strictEqual(report.verdict, 'ok');
    },

    'Bedrock: converse': async () => {
        const answer = await bedrock.send(new ConverseCommand({
            modelId, messages }));
        assert.strictEqual(answer.output.message.content[0].text, 'Good day');
    },

    'Bedrock: converse with a profile': async () => {
        const answer = await bedrock.send(new ConverseCommand({
            modelId: profile, messages }));
        assert.strictEqual(answer.usage.totalTokens, 3);
    },

    'Bedrock: a stream': async () => {
        const { stream } = await bedrock.send(new ConverseStreamCommand({
            modelId, messages }));
        let text = '';

        for await (const event of stream) {
            text += event.contentBlockDelta?.delta.text ?? '';
        }

        assert.strictEqual(text, 'Good day');
    },

    'Anthropic: a message': async () => {
        const message = await anthropic.messages.create(prompt);
        assert.strictEqual(message.content[0].text, 'Good day');
    },

    'Anthropic: a stream': async () => {
        const stream = await anthropic.messages.create({
            ...prompt, stream: true });
        let text = '';

        for await (const event of stream) {
            text += event.delta?.text ?? '';
        }

        assert.strictEqual(text, 'Good day');
    },
};

for (const [name, step] of Object.entries(steps)) {
    try {
        await step();
        console.log(`ok - ${name}`);
    } catch (error) {
        console.log(`not ok - ${name}: ${error}`.replaceAll('\n', ' '));
    }
}

console.log('done');
