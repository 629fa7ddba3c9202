      *> ACCOUNT-INQUIRY-REQUEST: 24 bytes, to ACCT.CREATE.QUEUE:
      *> is there an account of this client? It changes nothing.
       01  ACCOUNT-INQUIRY-REQUEST.
           05  TRAN-CODE           PIC X(4)   VALUE 'ACIN'.
           05  CLIENT-ID           PIC X(20).
