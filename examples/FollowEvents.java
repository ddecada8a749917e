import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * What happens to all payments, as a consumer in Java reads it, with kafka-clients alone: committed records, from the beginning,
 * each event of a payment once and in its order.
 *
 * <pre>java -cp 'kafka-clients.jar:slf4j-api.jar' examples/FollowEvents.java 127.0.0.1:9092</pre>
 *
 * It keeps in memory what it has seen, so it begins anew each time. Whoever keeps a view keeps the place beside it, in one
 * transaction, as follow_events.py does.
 */
public final class FollowEvents {
    private static final String EVENTS = "payments.events.v1";
    private static final Duration READ = Duration.ofMillis(500);

    private final Map<String, Long> seen = new HashMap<>();

    public static void main(String[] arguments) {
        var settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("isolation.level", "read_committed");
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "none"); // never skip silently
        var follower = new FollowEvents();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            var partitions =
                    consumer.partitionsFor(EVENTS).stream().map(each -> new TopicPartition(EVENTS, each.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (true) {
                consumer.poll(READ).forEach(follower::take);
            }
        }
    }

    private void take(ConsumerRecord<String, String> record) {
        var payment = header(record, "ce_subject");
        var sequence = Long.parseLong(header(record, "ce_sequence"));
        var last = seen.getOrDefault(payment, 0L);
        if (sequence <= last) {
            return; // read a second time
        }
        if (sequence > last + 1) {
            throw new IllegalStateException(payment + ": event " + sequence + " came after " + last);
        }
        System.out.printf("%s  %s  %3d  %s%n", header(record, "ce_time"), payment, sequence, header(record, "ce_type"));
        seen.put(payment, sequence);
    }

    private static String header(ConsumerRecord<String, String> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }
}
