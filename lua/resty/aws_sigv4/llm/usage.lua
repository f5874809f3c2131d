-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Counts the tokens of answers that pass by.  Numbers are taken from where
-- each API puts them, whatever else the answer holds and however it is cut;
-- no more of it is kept than one frame of an event stream.
--
--     tap = usage.new(kind, inclusive)
--         kinds: openai-json openai-sse anthropic-json anthropic-sse
--         converse-json converse-stream invoke-json invoke-stream
--     tap:feed(chunk)
--     tap:document(json)       of a stream that is decoded already
--     tap:measure()            tap.text.bytes will be those of text that came
--     tap:headers(input, output, cached, written)
--         what the headers of InvokeModel say
--     prompt, completion, cached = tap:finish()
--         numbers, or nil where the answer has none; any number of times
--
-- "prompt" is all input, cached or not, as OpenAI counts it: Anthropic and
-- Bedrock report what was read from the cache and written to it apart from
-- their input tokens, and the three are added.  "cached" is what was read
-- from the cache.  Some models of Bedrock report input tokens with the cached
-- ones in them: `inclusive` says so.
--
--     tap:is_complete()        of an answer in JSON
--     tap:has_ended()          of any
--     tap:between_events()     of a stream of events
--
-- tap.ended: the stream came to the end that its API defines.
-- tap.failed: the stream reported an error of its own.


local cjson = require "cjson.safe"
local estimate = require "resty.aws_sigv4.llm.estimate"
local eventstream = require "resty.aws_sigv4.llm.eventstream"
local scan = require "resty.aws_sigv4.llm.scan"
local sse = require "resty.aws_sigv4.llm.sse"


local decode_base64 = ngx.decode_base64
local error = error
local floor = math.floor
local match = string.match
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber
local tostring = tostring
local type = type


local _M = { version = "0.1.0" }


-- where the numbers are: "total" has the cached tokens in it, "input" has not;
-- "final" is that of the end of a stream alone

local OPENAI_USAGE = {
    -- chat completions, completions and embeddings
    prompt_tokens = "total",
    completion_tokens = "output",
    prompt_tokens_details = { cached_tokens = "read" },

    -- responses
    input_tokens = "total",
    output_tokens = "output",
    input_tokens_details = { cached_tokens = "read" },
}

local ANTHROPIC_USAGE = {
    input_tokens = "input",
    output_tokens = "output",
    cache_read_input_tokens = "read",
    cache_creation_input_tokens = "written",
}

local CONVERSE_USAGE = {
    inputTokens = "input",
    outputTokens = "output",
    cacheReadInputTokens = "read",
    cacheReadInputTokenCount = "read",
    cacheWriteInputTokens = "written",
    cacheWriteInputTokenCount = "written",
}

local OPENAI = {
    usage = OPENAI_USAGE,
    response = { usage = OPENAI_USAGE },
    error = "error",
    type = "type",
}

local ANTHROPIC = {
    usage = ANTHROPIC_USAGE,
    message = { usage = ANTHROPIC_USAGE },
    type = "type",
}

local CONVERSE = { usage = CONVERSE_USAGE }

local METRICS = {
    inputTokenCount = "input",
    outputTokenCount = "final",
    cacheReadInputTokenCount = "read",
    cacheWriteInputTokenCount = "written",
}

-- each family has a form of its own; where OpenAI's and Anthropic's names
-- meet those of Amazon, they do not overlap
local INVOKE_USAGE = {
    prompt_tokens = "total",
    completion_tokens = "output",
    prompt_tokens_details = { cached_tokens = "read" },
}

for _, names in ipairs({ ANTHROPIC_USAGE, CONVERSE_USAGE }) do
    for name, value in pairs(names) do
        INVOKE_USAGE[name] = value
    end
end

local INVOKE = {
    usage = INVOKE_USAGE,
    message = { usage = INVOKE_USAGE },
    metadata = { usage = INVOKE_USAGE },
    ["amazon-bedrock-invocationMetrics"] = METRICS,
    type = "type",

    -- Titan: embeddings and text
    inputTextTokenCount = "input",
    totalOutputTextTokenCount = "output",

    -- Llama
    prompt_token_count = "input",
    generation_token_count = "output",
}


local LAST_EVENTS = {
    ["response.completed"] = true,
    ["response.incomplete"] = true,
    ["response.failed"] = true,
}


local mt = { __index = _M }
local sinks = {}
local kinds = {}


function _M.new(kind, inclusive)
    local known = kinds[kind]

    if known == nil then
        error("unknown kind of answer: " .. tostring(kind), 2)
    end

    local found = {}
    local self = setmetatable({
        kind = kind,
        inclusive = inclusive,
        found = found,
        scanner = scan.new(known.wanted, found),
        start = known.start,
        data = known.data,
        stop = known.stop,
        take = known.feed,
        json = known.json,
        ended = false,
        failed = false,
    }, mt)

    if known.sse then
        self.reader = sse.new(self)

    elseif known.frames then
        self.decoder = eventstream.new()
    end

    return self
end


function _M.feed(self, chunk)
    return self:take(chunk)
end


function _M.measure(self)
    self.text = estimate.new()
end


local function measured(self, piece)
    if self.text then
        self.text:add(piece)
    end
end


-- whether an answer in JSON has come to its end

function _M.is_complete(self)
    return self.scanner:is_complete()
end


function _M.has_ended(self)
    return self.ended or self.json and self:is_complete()
end


function _M.between_events(self)
    return self.reader:between()
end


function _M.document(self, json)
    self.scanner:reset()
    self.scanner:feed(json)
    measured(self, json)

    if self.found.final then
        self.ended = true
    end
end


-- JSON

local function feed_json(self, chunk)
    self.scanner:feed(chunk)
    measured(self, chunk)
end


-- events

local function feed_sse(self, chunk)
    self.reader:feed(chunk)
    measured(self, chunk)
end


local function scan_data(self, piece)
    self.scanner:feed(piece)
end


function sinks.openai_start(self, name)
    self.found.type = nil
    self.first = ""
    self.scanner:reset()

    -- the many events of a response that carry a piece of it
    return name == nil or LAST_EVENTS[name] or sub(name, 1, 9) ~= "response."
end


function sinks.openai_data(self, piece)
    local first = self.first

    if #first < 6 then
        first = first .. sub(piece, 1, 6 - #first)
        self.first = first

        if first == "[DONE]" then
            self.ended = true
        end
    end

    self.scanner:feed(piece)
end


function sinks.openai_stop(self, name)
    local found = self.found

    if found.error or name == "error" or found.type == "error" then
        self.failed = true
    end

    if LAST_EVENTS[name] or LAST_EVENTS[found.type] then
        self.ended = true
    end
end


function sinks.anthropic_start(self, name)
    self.found.type = nil
    self.scanner:reset()

    return name == nil or name == "message_start" or name == "message_delta"
end


function sinks.anthropic_stop(self, name)
    name = name or self.found.type

    if name == "message_stop" then
        self.ended = true

    elseif name == "error" then
        self.failed = true
    end
end


-- frames

-- The document of InvokeModel in a frame "chunk", or nil.

function _M.chunk(payload)
    local value = cjson.decode(payload)
    local bytes = type(value) == "table" and value.bytes

    return type(bytes) == "string" and decode_base64(bytes) or nil
end


local function feed_frames(self, chunk)
    local frames = self.decoder:feed(chunk)

    for i = 1, frames and #frames or 0 do
        local headers, payload = frames[i].headers, frames[i].payload

        if headers[":message-type"] ~= "event" then
            self.failed = true

        elseif self.kind == "converse-stream" then
            if headers[":event-type"] == "metadata" then
                self:document(payload)
                self.ended = true

            else
                measured(self, payload)
            end

        elseif headers[":event-type"] == "chunk" then
            local document = _M.chunk(payload)

            if document then
                self:document(document)
            end
        end
    end
end


local function json(wanted)
    return { wanted = wanted, feed = feed_json, json = true }
end


kinds["openai-json"] = json(OPENAI)
kinds["anthropic-json"] = json(ANTHROPIC)
kinds["converse-json"] = json(CONVERSE)
kinds["invoke-json"] = json(INVOKE)

kinds["openai-sse"] = {
    wanted = OPENAI, feed = feed_sse, sse = true,
    start = sinks.openai_start, data = sinks.openai_data,
    stop = sinks.openai_stop,
}

kinds["anthropic-sse"] = {
    wanted = ANTHROPIC, feed = feed_sse, sse = true,
    start = sinks.anthropic_start, data = scan_data,
    stop = sinks.anthropic_stop,
}

kinds["converse-stream"] = {
    wanted = CONVERSE, feed = feed_frames, frames = true,
}

kinds["invoke-stream"] = {
    wanted = INVOKE, feed = feed_frames, frames = true,
}


-- numbers

local function count(value)
    if type(value) ~= "number" or value < 0 or value > 2 ^ 53
       or value ~= floor(value)
    then
        return nil
    end

    return value
end


local function header(value)
    value = type(value) == "string" and match(value, "^%d+$")

    return value and tonumber(value) or nil
end


function _M.headers(self, input, output, cached, written)
    self.fallback = {
        input = header(input), output = header(output),
        read = header(cached), written = header(written),
    }
end


local function sum(self, counts)
    local prompt = count(counts.total)
    local input = count(counts.input)
    local read = count(counts.read)

    if prompt == nil and input then
        prompt = input

        if not self.inclusive then
            prompt = prompt + (read or 0) + (count(counts.written) or 0)
        end
    end

    return prompt, count(counts.final) or count(counts.output), read
end


function _M.finish(self)
    local prompt, completion, cached = sum(self, self.found)

    if self.fallback then
        local p, c, r = sum(self, self.fallback)

        prompt, completion, cached = prompt or p, completion or c, cached or r
    end

    return prompt, completion, cached
end


return _M
