// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One TLS handshake with Java's defaults and the name checked: java -Djavax.net.ssl.trustStore=FILE Connect.java PORT
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

class Connect {
    public static void main(String[] given) throws Exception {
        SSLSocket socket =
            (SSLSocket) SSLSocketFactory.getDefault().createSocket("localhost", Integer.parseInt(given[0]));
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.setSoTimeout(4000);
        socket.startHandshake();
        socket.close();
    }
}
