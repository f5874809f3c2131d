-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- What a request is charged where nobody tells how many tokens it took: a
-- token for each four bytes of text.  It is a guess that is right by half or
-- so for English, and it is not for logs.
--
--     meter = estimate.new()
--     meter:add(piece)
--         of an answer, whatever its API: JSON in lines, in frames or alone,
--         cut anywhere
--     meter.bytes
--         of text that has come
--     tokens = estimate.output(bytes)
--     tokens = estimate.prompt()
--         of the request, in its log phase


local byte = string.byte
local ceil = math.ceil
local find = string.find
local match = string.match
local max = math.max
local min = math.min
local ngx = ngx
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber


local _M = { version = "0.1.0" }


local BYTES = 4

-- what is longer has images in it, which cost fewer tokens than bytes
local MAX_PROMPT = 64 * 1024

-- of what may be the name of a text, at the end of a piece
local MAX_NAME = 64

local BACKSLASH = byte("\\")

-- members that hold what a model writes
local TEXT = {
    arguments = true,
    completion = true,
    content = true,
    delta = true,
    generation = true,
    input = true,
    outputText = true,
    partial_json = true,
    reasoning = true,
    reasoning_content = true,
    refusal = true,
    text = true,
    thinking = true,
}


local mt = { __index = _M }


function _M.new()
    return setmetatable({
        bytes = 0,
        rest = "",          -- of a piece, to be looked at with the next
        counts = nil,       -- whether the string counts that we are in
    }, mt)
end


-- Of a string, from i on: where to go on behind it, or nil if its end is in
-- another piece.  No string of JSON has a line break in it.

local function in_string(self, piece, from)
    local i = from
    local at, c

    repeat
        at = find(piece, '["\\\n]', i)
        c = at and byte(piece, at)
        i = at and at + 2
    until c ~= BACKSLASH or at == #piece

    if self.counts then
        self.bytes = self.bytes + (at or #piece + 1) - from
    end

    if at == nil or c == BACKSLASH then
        self.rest = at and "\\" or ""
        return nil
    end

    self.counts = nil

    return at + 1
end


function _M.add(self, piece)
    local i = 1

    piece = self.rest .. piece
    self.rest = ""

    if self.counts ~= nil then
        i = in_string(self, piece, i)
    end

    while i do
        local _, to, name = find(piece, '"([%a_]+)"%s*:%s*"', i)

        if to == nil then
            self.rest = match(sub(piece, max(i, #piece - MAX_NAME)),
                              '"[%a_]*"?%s*:?%s*$') or ""
            return
        end

        self.counts = TEXT[name] or false
        i = in_string(self, piece, to + 1)
    end
end


function _M.output(bytes)
    return ceil(bytes / BYTES)
end


function _M.prompt()
    local bytes = tonumber(ngx.var.request_length) or 0

    return ceil(min(bytes, MAX_PROMPT) / BYTES)
end


return _M
