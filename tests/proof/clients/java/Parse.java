// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reads .properties files as Spring Boot's Java does. Takes lines of "id path" on standard input, prints one line of JSON for each.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.Collectors;

public class Parse {
    public static void main(String[] given) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        StringBuilder out = new StringBuilder();
        for (String line; (line = input.readLine()) != null; ) {
            String[] parts = line.split(" ", 2);
            out.append("{\"id\": ").append(json(parts[0]));
            try (Reader reader = Files.newBufferedReader(Path.of(parts[1]), StandardCharsets.UTF_8)) {
                Properties found = new Properties();
                found.load(reader);
                out.append(", \"ok\": true, \"values\": {").append(found.stringPropertyNames().stream()
                    .map(name -> json(name) + ": " + json(found.getProperty(name))).collect(Collectors.joining(", "))).append("}}\n");
            } catch (Exception error) {
                out.append(", \"ok\": false, \"error\": ").append(json(error.toString())).append("}\n");
            }
        }
        System.out.write(out.toString().getBytes(StandardCharsets.US_ASCII));
        System.out.flush();
    }

    static String json(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            out.append(one < ' ' || one > '~' || one == '"' || one == '\\' ? String.format("\\u%04x", (int) one) : String.valueOf(one));
        }
        return out.append('"').toString();
    }
}
