// The official JDBC driver against a lake that has the dataset `trips` (id, zip, fare): connects, asks what there is,
// queries, prepares. One line a finding, "name=value", for tests/e2e/test_flight_jdbc.py to look at.
//   java --add-opens=java.base/java.nio=ALL-UNNAMED -cp DRIVER.jar JdbcCheck.java jdbc:arrow-flight-sql://HOST:PORT?…

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

public final class JdbcCheck {
  public static void main(String[] arguments) throws Exception {
    try (Connection connection = DriverManager.getConnection(arguments[0])) {
      DatabaseMetaData metadata = connection.getMetaData();
      say("product", metadata.getDatabaseProductName());
      say("catalogs", column(metadata.getCatalogs(), "TABLE_CAT"));
      say("schemas", new TreeSet<>(column(metadata.getSchemas(), "TABLE_SCHEM")));
      say("table types", column(metadata.getTableTypes(), "TABLE_TYPE"));
      say("tables", column(metadata.getTables(null, "main", "tr%", new String[] {"TABLE"}), "TABLE_NAME"));
      say("columns", column(metadata.getColumns(null, "main", "trips", null), "COLUMN_NAME"));
      say("column types", column(metadata.getColumns(null, "main", "trips", null), "TYPE_NAME"));
      say("primary keys", column(metadata.getPrimaryKeys(null, "main", "trips"), "COLUMN_NAME"));
      say("unanswered", unanswered(metadata));
      query(connection);
      prepare(connection);
      refuse(connection);
    }
  }

  private static void query(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT id, zip, fare FROM trips ORDER BY id")) {
      ResultSetMetaData shape = rows.getMetaData();
      say("result columns", List.of(shape.getColumnName(1), shape.getColumnTypeName(1), shape.getColumnTypeName(2), shape.getColumnTypeName(3)));
      long count = 0;
      double sum = 0;
      while (rows.next()) {
        count++;
        sum += rows.getDouble("fare");
      }
      say("rows", count);
      say("sum", sum);
    }
  }

  private static void prepare(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT id, fare FROM trips WHERE zip = ? AND id > ? ORDER BY id LIMIT 1")) {
      say("prepared columns", statement.getMetaData().getColumnCount());
      say("parameters", statement.getParameterMetaData().getParameterCount());
      for (long after : new long[] {0, 100}) {
        statement.setString(1, "00003");
        statement.setLong(2, after);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          say("prepared after " + after, rows.getLong(1) + " " + rows.getDouble(2));
        }
      }
    }
  }

  private static void refuse(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("SELECT fair FROM trips").close();
      say("bad SQL", "was taken");
    } catch (SQLException error) {
      say("bad SQL", error.getMessage().replace('\n', ' '));
    }
  }

  // Getters without arguments that the driver cannot answer out of what the server says of itself.
  private static List<String> unanswered(DatabaseMetaData metadata) throws IllegalAccessException {
    List<String> names = new ArrayList<>();
    for (Method method : DatabaseMetaData.class.getMethods()) {
      boolean asks = method.getParameterCount() == 0 && !ResultSet.class.equals(method.getReturnType())
          && !Connection.class.equals(method.getReturnType());
      if (!asks) continue;
      try {
        method.invoke(metadata);
      } catch (InvocationTargetException failed) {
        names.add(method.getName() + ": " + failed.getCause());
      }
    }
    return names;
  }

  private static List<String> column(ResultSet rows, String name) throws SQLException {
    List<String> values = new ArrayList<>();
    try (rows) {
      while (rows.next()) values.add(rows.getString(name));
    }
    return values;
  }

  private static void say(String name, Object value) {
    System.out.println(name + "=" + value);
  }
}
