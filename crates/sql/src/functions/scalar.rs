//! What all our scalar functions share: a function is a name, rules for its types and a computation over whole columns,
//! and one adapter makes a DataFusion function of it. All are immutable, and NULL in gives NULL out.

use std::hash::{Hash, Hasher};

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// A scalar function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    /// In lower case.
    pub(super) name: &'static str,
    /// Other names.
    pub(super) aliases: &'static [&'static str],
    /// How it is written, for messages: `ST_X(point)`.
    pub(super) usage: &'static str,
    /// The types arguments are cast to; `None`: it does not take these.
    pub(super) accepts: fn(&[DataType]) -> Option<Vec<DataType>>,
    /// Type of the result, given the accepted types.
    pub(super) returns: fn(&[DataType]) -> DataType,
    /// What is wrong with constant arguments, told when a query is planned.
    pub(super) check: fn(&[Option<&ScalarValue>]) -> Result<()>,
    /// One value a row.
    pub(super) compute: fn(&Arguments<'_>) -> Result<ArrayRef>,
}

/// For functions with nothing to check.
pub(super) fn any_constants(_: &[Option<&ScalarValue>]) -> Result<()> {
    Ok(())
}

impl Function {
    /// As DataFusion knows functions.
    pub(super) fn into_udf(self) -> ScalarUDF {
        ScalarUDF::new_from_impl(Adapter {
            function: self,
            aliases: self.aliases.iter().map(|&alias| alias.to_owned()).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        })
    }
}

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    values: &'a [ColumnarValue],
    /// Rows of the result: 1 when all arguments are constant.
    pub(super) rows: usize,
}

impl Arguments<'_> {
    /// How many.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// An argument as a column, a constant repeated.
    pub(super) fn column(&self, index: usize) -> Result<ArrayRef> {
        self.value(index)?.to_array_of_size(self.rows)
    }

    /// A text argument; constants are not repeated, for they may be long.
    pub(super) fn text(&self, index: usize) -> Result<Text> {
        match self.value(index)? {
            ColumnarValue::Scalar(value) => Ok(Text::One(value.try_as_str().flatten().map(str::to_owned))),
            ColumnarValue::Array(array) => Ok(Text::Each(ArrayRef::clone(array))),
        }
    }

    fn value(&self, index: usize) -> Result<&ColumnarValue> {
        self.values.get(index).ok_or_else(|| internal_datafusion_err!("no argument {index}"))
    }
}

/// A text argument.
pub(super) enum Text {
    /// The same for all rows.
    One(Option<String>),
    /// A column of `Utf8`.
    Each(ArrayRef),
}

impl Text {
    /// A row's text; `None`: NULL.
    pub(super) fn at(&self, row: usize) -> Option<&str> {
        match self {
            Self::One(text) => text.as_deref(),
            Self::Each(column) => {
                let column = column.as_string::<i32>();
                column.is_valid(row).then(|| column.value(row))
            }
        }
    }
}

/// Whether a text, or NULL, can be passed.
pub(super) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, value) => value.is_string(),
        _ => false,
    }
}

/// Whether a number, or NULL, can be passed.
pub(super) fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_null()
}

struct Adapter {
    function: Function,
    aliases: Vec<String>,
    signature: Signature,
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.function.name)
    }
}

// A name means one function in this crate.
impl PartialEq for Adapter {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Adapter {}

impl Hash for Adapter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Adapter {
    fn name(&self) -> &str {
        self.function.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match (self.function.accepts)(types) {
            Some(accepted) => Ok(accepted),
            None => {
                let given = types.iter().map(DataType::to_string).collect::<Vec<_>>().join(", ");
                plan_err!("write {}; it does not take ({given})", self.function.usage)
            }
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok((self.function.returns)(types))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        (self.function.check)(args.scalar_arguments)?;
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Field::new(self.name(), self.return_type(&types)?, true).into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let result = (self.function.compute)(&Arguments { values: &args.args, rows })?;
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
        } else {
            Ok(ColumnarValue::Array(result))
        }
    }
}
