# YAML (block style, flow style, literal and folded text; no anchors, tags or multi-line plain keys) and JSON as lines
# of PATH<tab>VALUE, lists by index: "users/0/name<tab>alice". In values a newline is written \n and a backslash \\.
# Enough for what cloud-init configurations of small guests contain; the shell reads the result without any parsing.

{ sub(/\r$/, ""); line[++lines] = $0 }

END {
    at = 1
    while (at <= lines && (line[at] ~ /^(---|%|#)/ || line[at] ~ /^[ \t]*$/)) at++
    node("", 0)
}

# Character by character: awks disagree on backslashes in what gsub puts in.
function emit(path, value,    i, char) {
    printf "%s\t", path
    if (value ~ /[\\\n]/) {
        for (i = 1; i <= length(value); i++) {
            char = substr(value, i, 1)
            printf "%s", char == "\\" ? "\\\\" : char == "\n" ? "\\n" : char
        }
        print ""
    } else print value
}

function below(path, name) { return path == "" ? name : path "/" name }
function indent_of(text) { match(text, /^ */); return RLENGTH }
function trim(text) { sub(/^[ \t]+/, "", text); sub(/[ \t]+$/, "", text); return text }

function skip_empty() {
    while (at <= lines && (line[at] ~ /^[ \t]*$/ || line[at] ~ /^[ \t]*#/)) at++
}

# The length of "key:" at the start of a text, 0 if it does not start with a key.
function key_length(text,    first, end) {
    first = substr(text, 1, 1)
    if (first == "\"" || first == "'") {
        end = index(substr(text, 2), first)
        if (!end) return 0
        return substr(text, end + 2, 1) == ":" && substr(text, end + 3, 1) ~ /^[ \t]?$/ ? end + 2 : 0
    }
    if (first ~ /[\[{|>&*!%@`]/ || !match(text, /:([ \t]|$)/)) return 0
    return RSTART
}

function node(path, least,    depth, text) {
    skip_empty()
    if (at > lines) return
    depth = indent_of(line[at])
    if (depth < least) { emit(path, ""); return }
    text = substr(line[at], depth + 1)
    if (text ~ /^-([ \t]|$)/) sequence(path, depth)
    else if (key_length(text)) mapping(path, depth)
    else value(path, text, depth - 1)
}

function sequence(path, depth,    count, rest, inner) {
    for (count = 0; ; count++) {
        skip_empty()
        if (at > lines || indent_of(line[at]) != depth) return
        rest = substr(line[at], depth + 1)
        if (rest !~ /^-([ \t]|$)/) return
        match(rest, /^-[ \t]*/)
        inner = depth + RLENGTH
        rest = substr(rest, RLENGTH + 1)
        if (rest == "" || rest ~ /^#/) { at++; node(below(path, count), depth + 1) }
        else if (rest ~ /^-([ \t]|$)/ || key_length(rest)) {
            line[at] = sprintf("%" inner "s", "") rest
            node(below(path, count), inner)
        } else value(below(path, count), rest, depth)
    }
}

function mapping(path, depth,    text, size, key, rest) {
    while (1) {
        skip_empty()
        if (at > lines || indent_of(line[at]) != depth) return
        text = substr(line[at], depth + 1)
        size = key_length(text)
        if (!size) return
        key = trim(substr(text, 1, size - 1))
        if (key ~ /^["']/) key = substr(key, 2, length(key) - 2)
        rest = trim(substr(text, size + 1))
        if (rest == "" || rest ~ /^#/) {
            at++
            skip_empty()
            if (at <= lines && indent_of(line[at]) == depth && substr(line[at], depth + 1) ~ /^-([ \t]|$)/)
                sequence(below(path, key), depth)
            else node(below(path, key), depth + 1)
        } else value(below(path, key), rest, depth)
    }
}

# A value that begins on the current line with TEXT; more of it may follow on lines deeper than DEPTH.
function value(path, text, depth,    first) {
    first = substr(text, 1, 1)
    if (first == "|" || first == ">") { block_text(path, text, depth); return }
    at++
    if (first == "[" || first == "{") {
        flow = text
        while (!balanced(flow) && at <= lines) flow = flow "\n" line[at++]
        position = 1
        flow_value(path)
    } else if (first == "\"" || first == "'") {
        flow = text
        while (!closed(flow, first) && at <= lines) flow = flow " " trim(line[at++])
        position = 1
        emit(path, quoted())
    } else {
        sub(/[ \t]+#.*/, "", text)
        while (at <= lines && indent_of(line[at]) > depth && line[at] !~ /^[ \t]*(#|$)/) text = text " " trim(line[at++])
        text = trim(text)
        emit(path, text == "null" || text == "~" ? "" : text)
    }
}

function block_text(path, header, depth,    folded, chomp, inner, text, body, gap) {
    folded = header ~ /^>/
    chomp = header ~ /^[|>][0-9]*-/ ? "strip" : header ~ /^[|>][0-9]*\+/ ? "keep" : "clip"
    inner = -1
    for (at++; at <= lines; at++) {
        if (line[at] ~ /^[ \t]*$/) {
            text = inner >= 0 ? substr(line[at], inner + 1) : ""
        } else {
            if (indent_of(line[at]) <= depth) break
            if (inner < 0) inner = indent_of(line[at])
            text = substr(line[at], inner + 1)
        }
        if (!folded) body = body text "\n"
        else if (text == "") { body = body "\n"; gap = "" }
        else { body = body gap text; gap = " " }
    }
    if (folded) body = body "\n"
    if (chomp != "keep") sub(/\n+$/, "", body)
    emit(path, chomp == "clip" && body != "" ? body "\n" : body)
}

function closed(text, quote,    i, char) {
    for (i = 2; i <= length(text); i++) {
        char = substr(text, i, 1)
        if (char == "\\" && quote == "\"") i++
        else if (char == quote) {
            if (quote == "'" && substr(text, i + 1, 1) == "'") i++
            else return 1
        }
    }
    return 0
}

function balanced(text,    i, char, open, quote) {
    for (i = 1; i <= length(text); i++) {
        char = substr(text, i, 1)
        if (quote != "") {
            if (char == "\\" && quote == "\"") i++
            else if (char == quote) quote = ""
        } else if (char == "\"" || char == "'") quote = char
        else if (char == "[" || char == "{") open++
        else if (char == "]" || char == "}") open--
    }
    return open <= 0
}

function next_char() {
    while (substr(flow, position, 1) ~ /[ \t\n]/) position++
    return substr(flow, position, 1)
}

function quoted(    quote, char, text) {
    quote = substr(flow, position++, 1)
    while (position <= length(flow)) {
        char = substr(flow, position++, 1)
        if (char == "\\" && quote == "\"") {
            char = substr(flow, position++, 1)
            if (char == "n") char = "\n"
            else if (char == "t") char = "\t"
            else if (char == "r") char = "\r"
            else if (char == "u") { char = unicode(substr(flow, position, 4)); position += 4 }
        } else if (char == quote) {
            if (quote == "'" && substr(flow, position, 1) == "'") position++
            else return text
        }
        text = text char
    }
    return text
}

# Only what JSON writers escape without need (<, >, & and the like); other characters become "?".
function unicode(digits,    i, number) {
    for (i = 1; i <= 4; i++) number = number * 16 + index("123456789abcdef", tolower(substr(digits, i, 1)))
    return number > 0 && number < 128 ? sprintf("%c", number) : "?"
}

function flow_value(path,    char, count, key, start) {
    char = next_char()
    if (char == "{") {
        position++
        while ((char = next_char()) != "}" && char != "") {
            if (char == "\"" || char == "'") key = quoted()
            else {
                start = position
                while (position <= length(flow) && substr(flow, position, 1) !~ /[:,}]/) position++
                key = trim(substr(flow, start, position - start))
            }
            if (next_char() == ":") { position++; flow_value(below(path, key)) } else emit(below(path, key), "")
            if (next_char() == ",") position++
        }
        position++
    } else if (char == "[") {
        position++
        for (count = 0; (char = next_char()) != "]" && char != ""; count++) {
            flow_value(below(path, count))
            if (next_char() == ",") position++
        }
        position++
    } else if (char == "\"" || char == "'") emit(path, quoted())
    else {
        start = position
        while (position <= length(flow) && substr(flow, position, 1) !~ /[],}\n]/) position++
        key = trim(substr(flow, start, position - start))
        emit(path, key == "null" ? "" : key)
    }
}
