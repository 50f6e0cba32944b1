// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reads .properties files as Spring Boot's Java does, and XML and YAML as Jenkins' does (with the argument "xml", "yaml" or "casc"). Takes lines of "id path" on standard input, prints one line of JSON for each.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.commons.text.StringSubstitutor;
import org.apache.commons.text.lookup.StringLookup;
import org.w3c.dom.Node;
import org.yaml.snakeyaml.Yaml;

public class Parse {
    public static void main(String[] given) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder out = new StringBuilder();
        for (String line; (line = input.readLine()) != null; ) {
            String[] parts = line.split(" ", 2);
            out.append("{\"id\": ").append(json(parts[0]));
            try {
                Path path = Path.of(parts[1]);
                String format = given.length > 0 ? given[0] : "properties";
                Object found = switch (format) {
                    case "yaml" -> new Yaml().load(Files.readString(path));
                    case "casc" -> resolved(new Yaml().load(Files.readString(path)));
                    case "xml" -> xml(path);
                    default -> properties(path);
                };
                out.append(", \"ok\": true, \"values\": ").append(json(found)).append("}\n");
            } catch (Exception error) {
                out.append(", \"ok\": false, \"error\": ").append(json(error.toString())).append("}\n");
            }
        }
        System.out.write(out.toString().getBytes(StandardCharsets.US_ASCII));
        System.out.flush();
    }

    // Jenkins puts in what it knows and keeps the marks of escape; what is then left is unknown, and becomes nothing.
    static final StringSubstitutor KNOWN = substitutor(Map.of("X", "a variable's value")::get).setEnableSubstitutionInVariables(true).setPreserveEscapes(true);
    static final StringSubstitutor UNKNOWN = substitutor(name -> "");

    static StringSubstitutor substitutor(StringLookup values) {
        return new StringSubstitutor(values).setEscapeChar('^').setVariablePrefix("${").setVariableSuffix("}");
    }

    static Object resolved(Object found) {
        if (found instanceof Map<?, ?> all) {
            Map<Object, Object> into = new LinkedHashMap<>();
            all.forEach((key, value) -> into.put(key, resolved(value)));
            return into;
        }
        if (found instanceof List<?> all) {
            return all.stream().map(Parse::resolved).collect(Collectors.toCollection(ArrayList::new));
        }
        return found instanceof String text && text.contains("${") ? UNKNOWN.replace(KNOWN.replace(text)) : found;
    }

    static Map<String, String> properties(Path path) throws Exception {
        Properties found = new Properties();
        try (Reader reader = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
            found.load(reader);
        }
        return found.stringPropertyNames().stream().collect(Collectors.toMap(name -> name, found::getProperty));
    }

    // Each element without elements in it, by the names on the way to it.
    static Map<String, String> xml(Path path) throws Exception {
        DocumentBuilder builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        builder.setErrorHandler(null);
        Map<String, String> found = new TreeMap<>();
        collect(builder.parse(path.toFile()).getDocumentElement(), "", found);
        return found;
    }

    static void collect(Node element, String above, Map<String, String> found) {
        for (Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child.getNodeType() != Node.ELEMENT_NODE) {
                continue;
            }
            String name = above + child.getNodeName();
            int before = found.size();
            collect(child, name + ".", found);
            if (found.size() == before) {
                found.put(name, child.getTextContent());
            }
        }
    }

    static String json(Object found) {
        if (found instanceof Map<?, ?> all) {
            return all.entrySet().stream().map(one -> json(String.valueOf(one.getKey())) + ": " + json(one.getValue())).collect(Collectors.joining(", ", "{", "}"));
        }
        if (found instanceof List<?> all) {
            return all.stream().map(Parse::json).collect(Collectors.joining(", ", "[", "]"));
        }
        boolean plain = found == null || found instanceof Boolean || found instanceof Integer;
        return plain ? String.valueOf(found) : text(String.valueOf(found));
    }

    static String text(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            out.append(one < ' ' || one > '~' || one == '"' || one == '\\' ? String.format("\\u%04x", (int) one) : String.valueOf(one));
        }
        return out.append('"').toString();
    }
}
