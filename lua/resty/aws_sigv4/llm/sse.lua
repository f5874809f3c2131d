-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Reads server-sent events that pass by in pieces of any size and keeps
-- nothing of them but the name of the event.
--
--     reader = sse.new(sink)
--     reader:feed(bytes)
--     reader:between()     whether the last event has ended
--
-- What the sink is told, in this order for each event that has data:
--
--     sink:start(name)     name of the event, or nil; true if its data is
--                          wanted
--     sink:data(piece)     any number of times, if it is
--     sink:stop(name)      a line of data has ended


local byte = string.byte
local find = string.find
local setmetatable = setmetatable
local sub = string.sub


local _M = { version = "0.1.0" }


local MAX_NAME = 64

local LF = 10
local CR = 13
local SPACE = 32

-- what the line is that we are in
local START = 0
local NAME = 1
local DATA = 2
local OTHER = 3


local mt = { __index = _M }


function _M.new(sink)
    return setmetatable({
        sink = sink,
        line = START,
        head = "",          -- of a line that may still be any
        name = nil,         -- of the event
        started = false,    -- its data has
        wanted = false,
        skip_lf = false,    -- the last byte was CR
    }, mt)
end


local function data(self, piece)
    if not self.started then
        self.started = true
        self.wanted = self.sink:start(self.name)
    end

    if self.wanted and piece ~= "" then
        self.sink:data(piece)
    end
end


-- The value of "field: value" begins after one blank, which may be the byte
-- to come.

local function classify(self, head)
    local field = 5

    if sub(head, 1, 5) == "data:" then
        self.line = DATA

    elseif sub(head, 1, 6) == "event:" then
        self.line = NAME
        field = 6

    elseif head == sub("data:", 1, #head) or head == sub("event:", 1, #head)
    then
        self.head = head
        return

    else
        self.line = OTHER
        return
    end

    if #head == field then
        self.line = START
        self.head = head
        return
    end

    self.head = ""

    local value = sub(head, field + (byte(head, field + 1) == SPACE
                                     and 2 or 1))

    if self.line == DATA then
        data(self, value)

    else
        self.name = sub(value, 1, MAX_NAME)
    end
end


local function part(self, piece)
    local line = self.line

    if line == DATA then
        data(self, piece)

    elseif line == START then
        classify(self, self.head .. piece)

    elseif line == NAME and #self.name < MAX_NAME then
        self.name = sub(self.name .. piece, 1, MAX_NAME)
    end
end


local function end_line(self)
    local line, head = self.line, self.head

    self.line = START
    self.head = ""

    if line == DATA then
        self.sink:stop(self.name)

    elseif line == START then
        if head == "data:" or head == "data" then
            data(self, "")
            self.sink:stop(self.name)

        elseif head == "" then
            -- an empty line: the event is complete
            self.name = nil
            self.started = false
        end
    end
end


function _M.feed(self, s)
    local i, n = 1, #s

    while i <= n do
        if self.skip_lf then
            self.skip_lf = false

            if byte(s, i) == LF then
                i = i + 1
            end
        end

        local eol = find(s, "[\r\n]", i)
        local last = (eol or n + 1) - 1

        if last >= i then
            part(self, sub(s, i, last))
        end

        if eol == nil then
            return
        end

        end_line(self)
        self.skip_lf = byte(s, eol) == CR
        i = eol + 1
    end
end


function _M.between(self)
    return self.line == START and self.head == "" and not self.started
           and self.name == nil
end


return _M
