-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Finds a few members of a JSON object that passes by in pieces, by their
-- path from the root, without keeping the object: what else is in it, and of
-- what size, does not matter, and neither does text that looks the same in
-- other places.  It is no judge of JSON.
--
--     scanner = scan.new({ usage = { prompt_tokens = "prompt" } }, found)
--     scanner:feed(text)      any number of times
--     scanner:reset()         before the next object
--     scanner:is_complete()   whether the object has ended
--
-- Numbers, booleans and strings (128 bytes of them, escapes as they are) are
-- stored in `found` by the name in the tree; an object or an array is stored
-- as true, and null is not stored.


local byte = string.byte
local find = string.find
local match = string.match
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber
local type = type


local _M = { version = "0.1.0" }


local MAX_STRING = 128
local MAX_SCALAR = 64

local QUOTE = byte('"')
local COLON = byte(":")
local COMMA = byte(",")
local OPEN_OBJECT = byte("{")
local CLOSE_OBJECT = byte("}")
local OPEN_ARRAY = byte("[")


local mt = { __index = _M }


function _M.new(wanted, found)
    local self = setmetatable({
        root = { [""] = wanted }, found = found, stack = {},
    }, mt)

    self:reset()

    return self
end


-- The root is the value of a member without a name.

function _M.reset(self)
    self.node = self.root   -- the members of the object that we are in
    self.depth = 0          -- how many nodes are on the stack
    self.skip = 0           -- how deep we are in what nobody wants
    self.key = ""           -- of the member that we are at
    self.value = true       -- its colon has been seen
    self.scalar = nil       -- what there is of its number, true, false
    self.text = nil         -- what there is of a string
    self.in_string = false
    self.escaped = false    -- the last piece ended with a backslash
end


local function add_scalar(self, s, from, to)
    if to < from or not self.value or type(self.node[self.key]) ~= "string"
    then
        return
    end

    self.scalar = sub((self.scalar or "") .. sub(s, from, to), 1, MAX_SCALAR)
end


local function end_member(self)
    local scalar = self.scalar

    if scalar then
        scalar = match(scalar, "^%s*(.-)%s*$")
        self.scalar = nil

        local name = self.node[self.key]

        if scalar == "true" or scalar == "false" then
            self.found[name] = scalar == "true"

        else
            local number = find(scalar, "^%-?%d") and tonumber(scalar)

            if number then
                self.found[name] = number
            end
        end
    end

    self.key = nil
    self.value = false
end


local function open(self, c)
    local child = self.value and self.node[self.key] or nil

    if c == OPEN_OBJECT and type(child) == "table" then
        self.depth = self.depth + 1
        self.stack[self.depth] = self.node
        self.node = child
        self.key = nil
        self.value = false
        return
    end

    if type(child) == "string" then
        self.found[child] = true
    end

    self.scalar = nil
    self.skip = 1
end


local function close(self)
    end_member(self)

    if self.depth == 0 then
        return
    end

    self.node = self.stack[self.depth]
    self.depth = self.depth - 1
end


local function end_string(self)
    self.in_string = false

    local text = self.text

    if text == nil then
        return
    end

    self.text = nil

    if not self.value then
        self.key = text
        return
    end

    local name = self.node[self.key]

    if type(name) == "string" then
        self.found[name] = text
        self.scalar = nil
    end
end


-- From i on in a string; returns where to go on.

local function in_string(self, s, i)
    local from = i

    if self.escaped then
        self.escaped = false
        i = i + 1
    end

    while true do
        local at = find(s, '["\\]', i)
        local text = self.text

        if at == nil or byte(s, at) == QUOTE then
            if text and #text < MAX_STRING then
                self.text = sub(text .. sub(s, from, (at or #s + 1) - 1),
                                1, MAX_STRING)
            end

            if at then
                end_string(self)
                return at + 1
            end

            return #s + 1
        end

        i = at + 2

        if at == #s then
            self.escaped = true
        end
    end
end


-- In what nobody wants: only brackets count, and strings that may hold some.

local function skipped(self, s, i)
    local at = find(s, '["{}%[%]]', i)

    if at == nil then
        return #s + 1
    end

    local c = byte(s, at)

    if c == QUOTE then
        self.in_string = true

    elseif c == OPEN_OBJECT or c == OPEN_ARRAY then
        self.skip = self.skip + 1

    else
        self.skip = self.skip - 1
    end

    return at + 1
end


local function member(self, s, i)
    local at = find(s, '["{}%[%],:]', i)

    add_scalar(self, s, i, (at or #s + 1) - 1)

    if at == nil then
        return #s + 1
    end

    local c = byte(s, at)

    if c == QUOTE then
        self.in_string = true
        self.text = ""

    elseif c == COLON then
        self.value = self.key ~= nil

    elseif c == COMMA then
        end_member(self)

    elseif c == OPEN_OBJECT or c == OPEN_ARRAY then
        open(self, c)

    elseif c == CLOSE_OBJECT then
        close(self)
    end

    return at + 1
end


function _M.is_complete(self)
    return self.depth == 0 and self.skip == 0 and not self.in_string
           and self.key == nil
end


function _M.feed(self, s)
    local i, n = 1, #s

    while i <= n do
        if self.in_string then
            i = in_string(self, s, i)

        elseif self.skip > 0 then
            i = skipped(self, s, i)

        else
            i = member(self, s, i)
        end
    end
end


return _M
