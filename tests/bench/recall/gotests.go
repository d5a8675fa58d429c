// Reads the texts that the tests of Go scanners hold: rule generators of gitleaks' kind (`tps`, `fps`) and pattern tests of
// trufflehog's kind (`input`, `want`). It parses them and computes their expressions; nothing of them is built or run.
//
//	go run gotests.go rules|detectors FOLDER > cases.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"regexp/syntax"
	"sort"
	"strconv"
	"strings"
)

// A text and what the test says of it.
type testCase struct {
	Rule   string `json:"rule"`
	Name   string `json:"name,omitempty"`
	Text   string `json:"text"`
	Secret bool   `json:"secret"`
}

// What an expression is: a string, []string, map[string]string, or nil for what is not understood.
type value any

type scope map[string]value

var random = rand.New(rand.NewSource(1))

// Texts that could not be computed.
var unread int

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gotests rules|detectors FOLDER")
		os.Exit(2)
	}
	kind, out := os.Args[1], json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	err := filepath.WalkDir(os.Args[2], func(path string, entry fs.DirEntry, err error) error {
		isTest := strings.HasSuffix(path, "_test.go")
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || isTest != (kind == "detectors") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			fmt.Fprintln(os.Stderr, "not read:", err)
			return nil
		}
		globals := packageScope(file)
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			var cases []testCase
			if kind == "rules" {
				cases = ruleCases(function, globals)
			} else {
				cases = detectorCases(filepath.Base(filepath.Dir(path)), function, globals)
			}
			for _, c := range cases {
				if err := out.Encode(c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "%s: %d texts could not be computed\n", os.Args[2], unread)
}

func packageScope(file *ast.File) scope {
	names := scope{}
	for _, declared := range file.Decls {
		if group, ok := declared.(*ast.GenDecl); ok {
			declare(group, names)
		}
	}
	return names
}

func declare(group *ast.GenDecl, names scope) {
	for _, spec := range group.Specs {
		if values, ok := spec.(*ast.ValueSpec); ok {
			for i, name := range values.Names {
				if i < len(values.Values) {
					names[name.Name] = evaluate(values.Values[i], names)
				}
			}
		}
	}
}

// The last arguments of `Validate(rule, positives, negatives)` in a function.
func ruleCases(function *ast.FuncDecl, globals scope) (cases []testCase) {
	names := inner(globals)
	rule := function.Name.Name
	ast.Inspect(function.Body, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "RuleID" && rule == function.Name.Name {
				if id, ok := evaluate(n.Value, names).(string); ok {
					rule = id
				}
			}
		case *ast.DeclStmt:
			if group, ok := n.Decl.(*ast.GenDecl); ok {
				declare(group, names)
			}
		case *ast.AssignStmt:
			assign(n, names)
		case *ast.CallExpr:
			if strings.HasPrefix(called(n), "Validate") && len(n.Args) >= 3 {
				for i, secret := range []bool{true, false} {
					switch texts := evaluate(n.Args[1+i], names).(type) {
					case []string:
						for _, text := range texts {
							cases = append(cases, testCase{rule, "", text, secret})
						}
					case map[string]string:
						for _, name := range sorted(texts) {
							cases = append(cases, testCase{rule, name, texts[name], secret})
						}
					default:
						if name, ok := n.Args[1+i].(*ast.Ident); !ok || name.Name != "nil" {
							unread++
						}
					}
				}
			}
		}
		return true
	})
	return cases
}

// The `input`s of a table of tests; those with a `want` hold a secret.
func detectorCases(detector string, function *ast.FuncDecl, globals scope) (cases []testCase) {
	if !strings.HasSuffix(function.Name.Name, "_Pattern") {
		return nil
	}
	names := inner(globals)
	ast.Inspect(function.Body, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			assign(n, names)
		case *ast.CompositeLit:
			var input, want ast.Expr
			for _, element := range n.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "input" {
						input = pair.Value
					} else if ok && key.Name == "want" {
						want = pair.Value
					}
				}
			}
			if input == nil {
				return true
			}
			text, ok := evaluate(input, names).(string)
			if !ok {
				unread++
				return false
			}
			secret := false
			if list, ok := want.(*ast.CompositeLit); ok {
				secret = len(list.Elts) > 0
			}
			cases = append(cases, testCase{detector, "", text, secret})
			return false
		}
		return true
	})
	return cases
}

func sorted(texts map[string]string) []string {
	names := []string{}
	for name := range texts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func inner(outer scope) scope {
	names := scope{}
	for name, v := range outer {
		names[name] = v
	}
	return names
}

func assign(n *ast.AssignStmt, names scope) {
	if len(n.Lhs) != len(n.Rhs) {
		return
	}
	for i, left := range n.Lhs {
		name, ok := left.(*ast.Ident)
		if !ok {
			continue
		}
		v := evaluate(n.Rhs[i], names)
		if n.Tok == token.ADD_ASSIGN {
			old, isText := names[name.Name].(string)
			more, both := v.(string)
			if v = nil; isText && both {
				v = old + more
			}
		}
		names[name.Name] = v
	}
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func evaluate(expr ast.Expr, names scope) value {
	switch e := expr.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			if text, err := strconv.Unquote(e.Value); err == nil {
				return text
			}
		}
		return e.Value
	case *ast.Ident:
		return names[e.Name]
	case *ast.ParenExpr:
		return evaluate(e.X, names)
	case *ast.BinaryExpr:
		left, ok := evaluate(e.X, names).(string)
		right, both := evaluate(e.Y, names).(string)
		if e.Op == token.ADD && ok && both {
			return left + right
		}
	case *ast.CompositeLit:
		return composite(e, names)
	case *ast.CallExpr:
		return call(e, names)
	}
	return nil
}

func composite(e *ast.CompositeLit, names scope) value {
	if _, ok := e.Type.(*ast.MapType); ok {
		texts := map[string]string{}
		for _, element := range e.Elts {
			pair := element.(*ast.KeyValueExpr)
			key, ok := evaluate(pair.Key, names).(string)
			text, both := evaluate(pair.Value, names).(string)
			if !ok || !both {
				return nil
			}
			texts[key] = text
		}
		return texts
	}
	if _, ok := e.Type.(*ast.ArrayType); !ok {
		return nil
	}
	texts := []string{}
	for _, element := range e.Elts {
		text, ok := evaluate(element, names).(string)
		if !ok {
			unread++
			continue
		}
		texts = append(texts, text)
	}
	return texts
}

// The functions that the generators use, by what they give back.
func call(e *ast.CallExpr, names scope) value {
	arguments := []value{}
	texts := []string{}
	for _, argument := range e.Args {
		v := evaluate(argument, names)
		arguments = append(arguments, v)
		text, _ := v.(string)
		texts = append(texts, text)
	}
	classes := map[string]string{
		"Numeric": "[0-9]", "Hex": "[a-f0-9]", "AlphaNumeric": "[a-z0-9]", "AlphaNumericExtendedShort": "[a-z0-9_-]",
		"AlphaNumericExtended": `[a-z0-9=_\-]`, "AlphaNumericExtendedLong": `[a-z0-9\/=_\+\-]`,
	}
	name := called(e)
	switch {
	case classes[name] != "" && len(texts) == 1:
		return classes[name] + "{" + texts[0] + "}"
	case name == "Hex8_4_4_4_12":
		return "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
	case strings.HasPrefix(name, "NewSecret") && len(texts) >= 1 && arguments[0] != nil:
		return generate(texts[0])
	case name == "GenerateSampleSecret" && len(texts) == 2 && texts[1] != "":
		return fmt.Sprintf("%s_api_token = \"%s\"", texts[0], texts[1])
	case name == "GenerateSampleSecrets" && len(texts) == 2 && texts[1] != "":
		return samples(texts[0], texts[1])
	case name == "append" && len(arguments) >= 1:
		return appended(e, arguments)
	case name == "Sprintf" && len(arguments) >= 1 && texts[0] != "":
		values := []any{}
		for _, v := range arguments[1:] {
			if v == nil {
				return nil
			}
			values = append(values, v)
		}
		return fmt.Sprintf(texts[0], values...)
	case name == "Repeat" && len(texts) == 2:
		if count, err := strconv.Atoi(texts[1]); err == nil {
			return strings.Repeat(texts[0], count)
		}
	case name == "ToUpper":
		return strings.ToUpper(texts[0])
	case name == "ToLower":
		return strings.ToLower(texts[0])
	}
	return nil
}

func appended(e *ast.CallExpr, arguments []value) value {
	list, _ := arguments[0].([]string)
	list = append([]string{}, list...)
	for _, v := range arguments[1:] {
		switch more := v.(type) {
		case string:
			list = append(list, more)
		case []string:
			list = append(list, more...)
		default:
			unread++
		}
	}
	return list
}

// An assignment of the secret to a name, as settings and programming languages write it.
func samples(name, secret string) []string {
	forms := []string{
		"%[1]sToken=\"%[2]s\"", "%[1]sToken = %[2]s", "{\n    \"%[1]s_token\": \"%[2]s\"\n}",
		"<%[1]sToken>\n    %[2]s\n</%[1]sToken>", "%[1]s_token: %[2]s", "%[1]s_token: '%[2]s'", "string %[1]sToken = \"%[2]s\";",
		"%[1]sToken := `%[2]s`", "$%[1]sToken .= \"%[2]s\"", "System.setProperty(\"%[3]s_TOKEN\", \"%[2]s\")",
		"  \"%[1]sToken\" => \"%[2]s\"", "%[1]s_TOKEN ::= \"%[2]s\"", "%[1]s_TOKEN ?= \"%[2]s\"",
		"{\"config.ini\": \"%[3]s_TOKEN=%[2]s\\nBACKUP_ENABLED=true\"}",
	}
	texts := []string{}
	for _, form := range forms {
		texts = append(texts, fmt.Sprintf(form+"%.0[3]s", name, secret, strings.ToUpper(name)))
	}
	return texts
}

// A random text that the expression matches.
func generate(expression string) string {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return expression
	}
	var out strings.Builder
	write(&out, parsed)
	return out.String()
}

func write(out *strings.Builder, re *syntax.Regexp) {
	repeat := func(least, most int) {
		count := least + random.Intn(most-least+1)
		for i := 0; i < count; i++ {
			write(out, re.Sub[0])
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 {
				r = []rune(strings.ToLower(string(r)))[0]
			}
			out.WriteRune(r)
		}
	case syntax.OpCharClass:
		total := 0
		for i := 0; i < len(re.Rune); i += 2 {
			total += int(min(re.Rune[i+1], 126)-re.Rune[i]) + 1
		}
		pick := random.Intn(max(total, 1))
		for i := 0; i < len(re.Rune); i += 2 {
			width := int(min(re.Rune[i+1], 126)-re.Rune[i]) + 1
			if pick < width {
				out.WriteRune(re.Rune[i] + rune(pick))
				break
			}
			pick -= width
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteByte(byte('a' + random.Intn(26)))
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			write(out, sub)
		}
	case syntax.OpAlternate:
		write(out, re.Sub[random.Intn(len(re.Sub))])
	case syntax.OpStar:
		repeat(0, 8)
	case syntax.OpPlus:
		repeat(1, 8)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + 8
		}
		repeat(re.Min, most)
	}
}

func min(a, b rune) rune {
	if a < b {
		return a
	}
	return b
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}
