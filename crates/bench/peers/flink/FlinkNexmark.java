// Runs Nexmark queries on Flink SQL over the CSV files that `highwater bench nexmark --write DIR` writes, one after the
// other in this process, and prints events per second of each. See README.md beside this file.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableDescriptor;
import org.apache.flink.table.api.TableEnvironment;

public final class FlinkNexmark {
    private FlinkNexmark() {}

    /** One query: its name, the streams it reads, its text. */
    private record Query(String name, List<String> reads, String sql) {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            System.err.println("usage: FlinkNexmark DIR-WITH-CSV QUERIES.sql [q0,q5]");
            System.exit(2);
        }
        Path data = Path.of(arguments[0]).toAbsolutePath();
        List<String> wanted = arguments.length > 2 ? List.of(arguments[2].split(",")) : List.of();
        for (Query query : queries(Files.readString(Path.of(arguments[1])))) {
            if (wanted.isEmpty() || wanted.contains(query.name)) {
                run(data, query);
            }
        }
    }

    /** The file has a line `-- q3 reads person, auction` before each query, which ends with `;`. */
    private static List<Query> queries(String text) {
        List<Query> queries = new ArrayList<>();
        for (String part : text.split("(?m)^-- (?=q\\d)")) {
            String[] headAndBody = part.split("\n", 2);
            String[] nameAndReads = headAndBody[0].split(" reads ");
            if (nameAndReads.length == 2) {
                String sql = headAndBody[1].strip();
                queries.add(new Query(nameAndReads[0], List.of(nameAndReads[1].strip().split(", ")), sql.substring(0, sql.length() - 1)));
            }
        }
        return queries;
    }

    private static void run(Path data, Query query) throws Exception {
        Path checkpoints = Files.createTempDirectory("flink-nexmark");
        Configuration settings = new Configuration();
        settings.setString("parallelism.default", "2");
        settings.setString("state.backend.type", "rocksdb");
        settings.setString("execution.checkpointing.interval", "1s");
        settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        settings.setString("execution.checkpointing.dir", checkpoints.toUri().toString());
        settings.setString("execution.checkpointing.incremental", "true");
        settings.setString("table.exec.mini-batch.enabled", "true");
        settings.setString("table.exec.mini-batch.allow-latency", "2s");
        settings.setString("table.exec.mini-batch.size", "50000");
        settings.setString("table.optimizer.distinct-agg.split.enabled", "true");
        settings.setString("taskmanager.memory.managed.size", "1g");
        TableEnvironment env = TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
        String from = "WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '" + data + "/%s.csv')";
        String time = "date_time AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND";
        env.executeSql("CREATE TABLE person (id BIGINT, name STRING, email_address STRING, credit_card STRING, city STRING, state STRING, ts BIGINT, extra STRING, "
            + time + ") " + String.format(from, "person"));
        env.executeSql("CREATE TABLE auction (id BIGINT, item_name STRING, description STRING, initial_bid BIGINT, reserve BIGINT, ts BIGINT, expires_ts BIGINT, seller BIGINT, category BIGINT, extra STRING, "
            + "expires AS TO_TIMESTAMP_LTZ(expires_ts, 3), " + time + ") " + String.format(from, "auction"));
        env.executeSql("CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, ts BIGINT, extra STRING, "
            + "arrived AS PROCTIME(), " + time + ") " + String.format(from, "bid"));
        Table result;
        try {
            result = env.sqlQuery(query.sql);
            Schema schema = Schema.newBuilder().fromRowDataType(result.getResolvedSchema().toSinkRowDataType()).build();
            long events = 0;
            for (String stream : query.reads) {
                try (var lines = Files.lines(data.resolve(stream + ".csv"))) {
                    events += lines.count();
                }
            }
            long started = System.nanoTime();
            result.insertInto(TableDescriptor.forConnector("blackhole").schema(schema).build()).execute().await();
            double seconds = (System.nanoTime() - started) / 1e9;
            System.out.println(String.format(Locale.ROOT, "%s: %.0f events/s (%d events in %.2f s)", query.name, events / seconds, events, seconds));
        } catch (Exception refused) {
            Throwable cause = refused;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            System.out.println(query.name + ": refused: " + String.valueOf(cause.getMessage()).lines().findFirst().orElse(""));
        }
    }
}
